extension CoxResult {
    /// Residuals of a model, added up over bins that hold enough people or events; no residual of a row is in it.
    package struct Diagnostics: Hashable, Sendable, Codable {
        package var functionalForm: [FunctionalForm]
        package var effectOverTime: EffectOverTime?

        package init(functionalForm: [FunctionalForm], effectOverTime: EffectOverTime?) {
            (self.functionalForm, self.effectOverTime) = (functionalForm, effectOverTime)
        }

        /// Martingale residuals by bins of a number: where their means bend, so does the number's effect.
        package struct FunctionalForm: Hashable, Sendable, Codable {
            package var covariate: String
            package var bins: [Bin]

            package init(covariate: String, bins: [Bin]) {
                (self.covariate, self.bins) = (covariate, bins)
            }
        }

        /// Values from `lower` to below `upper`.
        package struct Bin: Hashable, Sendable, Codable {
            package var lower: Double
            package var upper: Double
            package var rows: Int
            package var people: Int
            package var events: Int
            /// Events that the model expects.
            package var expected: Reported
            /// Mean martingale residual of the rows: (events - expected)/rows.
            package var residual: Reported

            package init(
                lower: Double, upper: Double, rows: Int, people: Int, events: Int, expected: Reported,
                residual: Reported
            ) {
                (self.lower, self.upper, self.rows, self.people) = (lower, upper, rows, people)
                (self.events, self.expected, self.residual) = (events, expected, residual)
            }
        }

        /// Mean scaled Schoenfeld residuals by bins of time: what each coefficient is about in the bin.
        package struct EffectOverTime: Hashable, Sendable, Codable {
            package var times: TimeAxisKind
            package var terms: [String]
            package var bins: [TimeBin]

            package init(times: TimeAxisKind, terms: [String], bins: [TimeBin]) {
                (self.times, self.terms, self.bins) = (times, terms, bins)
            }
        }

        /// Times after `lower` up to `upper`; `effects` has a number for each coefficient.
        package struct TimeBin: Hashable, Sendable, Codable {
            package var lower: Double
            package var upper: Double
            package var events: Int
            package var effects: [Reported]

            package init(lower: Double, upper: Double, events: Int, effects: [Reported]) {
                (self.lower, self.upper, self.events, self.effects) = (lower, upper, events, effects)
            }
        }
    }
}

import Survival

extension CoxResult {
    /// Takes away the numbers of predictions of which the model says nothing, and says so.
    mutating func withhold(predictionsOf profiles: [CovariateProfile]) {
        let labels = Set(profiles.map(\.label))
        predictions = predictions?.map { prediction in
            guard labels.contains(prediction.profile) else { return prediction }
            var empty = prediction
            empty.curve = prediction.curve.map { .notAvailable(time: $0.time) }
            empty.at = prediction.at.map { .notAvailable(time: $0.time) }
            return empty
        }
        warnings += profiles.map {
            "no curve can be predicted for \($0.label): the model has no coefficient for it, since nobody at risk has such a value"
        }
    }
}

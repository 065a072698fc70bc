import Survival

/// What a study may say where hospitals answer it, whatever their policies; `coxswain fit` has the whole language.
///
/// All of it follows from the texts of study and dictionary, so that everybody can know it beforehand: it is looked at by
/// `coxswain study check`, when a study is submitted, at the coordinator, and at each node before anything is answered.
extension StudyPlan {
    /// Refuses formulas in which a condition is a number, which leave somebody without a value, or which alone or together could single
    /// out values of a variable, and times of an unknown unit.
    package func requireAnswerable() throws(StudyError) {
        var survey = FormulaSurvey(scope)
        do {
            try scope.requireAnswerableDefinitions()
            try survey.addDefinitions()
        } catch {
            let line = error.definition.flatMap { study.lines["define \($0)"] }
            throw .key("define", line: line, reason: "\(error)")
        }
        try requireUnit()
        try requireKnownUnit()
        for analysis in analyses { try requireAnswerable(analysis, &survey) }
    }

    /// The same of one analysis and the definitions behind it.
    func requireAnswerable(_ analysis: AnalysisPlan) throws(StudyError) {
        var survey = FormulaSurvey(scope)
        try requireAnswerable(analysis, &survey)
    }

    /// The same, beside the formulas that are in the survey already.
    private func requireAnswerable(_ analysis: AnalysisPlan, _ survey: inout FormulaSurvey) throws(StudyError)
    {
        for (key, expression) in analysis.formulas {
            do {
                try scope.requireAnswerable(expression)
                try survey.add(expression)
            } catch {
                throw fault(key, expression, of: analysis, "\(error)")
            }
        }
        if let model = analysis.model {
            do {
                try survey.add(model, weights: analysis.weights)
            } catch {
                throw fault("terms", nil, of: analysis, "\(error)")
            }
        }
        if let column = analysis.model?.unboundedColumn {
            throw fault(
                "terms", nil, of: analysis,
                "\(quoted(column.name)) has no finite limits by the dictionary's ranges; give its variables a range in the dictionary"
            )
        }
    }

    /// Refuses a study whose unit is not the one that the dictionary gives its times.
    ///
    /// Days called years would be reported, and judged by a hospital's rules, as what they are not. `coxswain fit` refuses them, too.
    package func requireUnit() throws(StudyError) {
        for text in [study.endpoint.time, study.endpoint.start].compactMap(\.self) {
            // What is no formula at all is told with the analysis that needs it.
            guard let expression = try? Expression(parsing: text), let variable = scope.variable(expression),
                let named = variable.unit.flatMap(TimeUnit.init(named:)), named != study.endpoint.unit
            else { continue }
            throw .key(
                "endpoint", line: study.lines["endpoint"],
                reason:
                    "the dictionary measures \(quoted(variable.name)) in \(named.rawValue)s, not in \(study.endpoint.unit.rawValue)s; write unit: \(named.rawValue)"
            )
        }
    }

    /// The closed list of units: a dictionary's own word for one could not be held against a hospital's rule.
    private func requireKnownUnit() throws(StudyError) {
        for variable in timeVariables.endpoint {
            guard let unit = variable.unit else {
                throw .key(
                    "endpoint", line: study.lines["endpoint"],
                    reason:
                        "the dictionary gives the time \(quoted(variable.name)) no unit, so that nobody can tell what \(study.endpoint.unit.rawValue)s are; add unit: to it (\(TimeUnit.names))"
                )
            }
            guard TimeUnit(named: unit) == nil else { continue }
            throw .key(
                "endpoint", line: study.lines["endpoint"],
                reason:
                    "the dictionary's unit of \(quoted(variable.name)), \(quoted(unit)), is none of \(TimeUnit.names); correct the dictionary"
            )
        }
    }

    /// A fault of a formula, at the key and line where it stands.
    func fault(
        _ key: String, _ expression: Expression?, of analysis: AnalysisPlan, _ reason: String
    ) -> StudyError {
        let shared: [String?] =
            switch key {
            case "cohort": [study.cohort]
            case "endpoint": [study.endpoint.time, study.endpoint.start]
            case "event", "causes": [study.endpoint.event] + study.endpoint.causes.map(\.text)
            default: []
            }
        if let expression,
            shared.contains(where: { $0.flatMap { try? Expression(parsing: $0) } == expression })
        {
            let place = key == "cohort" ? key : "endpoint"
            return .key(place, line: study.lines[place], reason: reason)
        }
        let line = study.analyses.first { $0.id == analysis.id }?.line
        return .analysis(id: analysis.id, line: line, reason: "\(key): \(reason)")
    }
}

extension StudyPlan {
    /// What in the study is more than a variable of the dictionary, or than how one of them compares with constants; nil if nothing is.
    ///
    /// The conditions of a cohort stand together, so that they are of one variable among them. A spline is a formula: its knots
    /// are the author's.
    package var ownFormula: String? {
        for analysis in analyses {
            let place = "analysis \(quoted(analysis.id))"
            for (key, expression) in analysis.formulas where !scope.isComparisonOfOneVariable(expression) {
                return "\(place), \(key): \(quoted(expression.text)) is a formula"
            }
            let names = Set(analysis.cohort.flatMap { scope.variables(of: $0) }).sorted()
            if names.count > 1 {
                return
                    "\(place), cohort: its conditions are of several variables (\(names.joined(separator: ", ")))"
            }
            if analysis.model?.hasSpline == true {
                return "\(place), terms: a spline has knots of the study's own"
            }
        }
        return nil
    }
}

package import Cryptography

/// A question as an analysis puts it.
///
/// What goes over the wire is its `statement`: a node computes from the query that its *own* `StudyRun` asks, and only compares.
package struct Query: Sendable {
    /// The analysis it belongs to.
    package var analysis: String
    package var question: any Question
    /// The positions of the time axis, where they were found by a search and are not the study's.
    package var axis: TimeAxis?
    /// The mean size of times over all hospitals: times that differ by rounding only are told by it.
    ///
    /// Nil where none are compared.
    package var meanTime: Double?

    package init(
        analysis: String, _ question: any Question, axis: TimeAxis? = nil, meanTime: Double? = nil
    ) {
        (self.analysis, self.question, self.axis, self.meanTime) = (analysis, question, axis, meanTime)
    }

    package var kind: String { type(of: question).name }

    package var beta: [Double]? { question.beta }

    package var coordinates: Coordinates? { question.coordinates }

    /// Lanes of the answer: its numbers, and one that tells why there are none (`Trouble`).
    package func laneCount(in plan: AnalysisPlan) -> Int { numberCount(in: plan) + 1 }

    /// Numbers in the answer.
    package func numberCount(in plan: AnalysisPlan) -> Int {
        question.numberCount(in: plan.located(on: axis))
    }

    /// What each number is.
    package func labels(in plan: AnalysisPlan) -> [String] { question.labels(in: plan.located(on: axis)) }

    /// What the numbers are sums of.
    package func summation(in plan: AnalysisPlan) -> Summation { type(of: question).summation(in: plan) }

    /// Every number the answer depends on.
    fileprivate var contextBytes: [UInt8] {
        var bytes = QuestionBytes()
        coordinates?.write(to: &bytes)
        bytes.append(beta ?? [])
        if let axis { bytes.append(axis.context) }
        if let meanTime { bytes.append([meanTime]) }
        question.write(to: &bytes)
        return bytes.bytes
    }
}

extension Query: Hashable {
    package static func == (left: Query, right: Query) -> Bool {
        left.analysis == right.analysis && left.axis == right.axis && left.meanTime == right.meanTime
            && left.question.isEqual(to: right.question)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(analysis)
        question.hash(into: &hasher)
    }
}

/// A query as it is written into a round, a journal and an audit log.
///
/// Two queries have equal statements exactly if they are equal in every bit: `context` is a digest over the bit patterns of
/// coordinates, grid and hazard, which are too long to print and which every node derives by itself.
package struct QueryStatement: Hashable, Sendable, Codable {
    package var analysis: String
    package var kind: String
    package var lanes: Int
    package var beta: [Double]?
    package var context: SHA256Digest

    package init(_ query: Query, in plan: AnalysisPlan) {
        analysis = query.analysis
        kind = query.kind
        lanes = query.laneCount(in: plan)
        beta = query.beta
        context = SHA256Digest(of: query.contextBytes)
    }
}

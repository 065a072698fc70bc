import ArgumentParser

/// Refuses an option that is given twice: the parser would take the last one in silence.
enum RepeatedOptions {
    /// Options that may be given several times.
    static let repeatable: Set<String> = ["--data", "--dns", "--ip", "--policy"]
    private static let longNames = ["-c": "--config", "-d": "--dictionary"]

    static func refuse(in arguments: [String]) throws {
        var seen: Set<String> = []
        for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("-") {
            let written = argument.split(separator: "=", maxSplits: 1).first.map(String.init) ?? argument
            let name = longNames[written] ?? written
            guard name.hasPrefix("--"), !repeatable.contains(name) else { continue }
            guard seen.insert(name).inserted else {
                throw ValidationError("the option \(name) is given twice")
            }
        }
    }
}

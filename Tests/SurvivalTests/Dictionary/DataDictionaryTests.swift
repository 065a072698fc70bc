import Foundation
import Survival
import Testing

@Suite struct DataDictionaryTests {
    private func problem(_ change: (inout DataDictionary) -> Void) -> DataDictionaryError? {
        var dictionary = Clinic.dictionary
        change(&dictionary)
        do {
            try dictionary.validate()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a sound dictionary is accepted, with an identifier of name and version`() {
        #expect(problem { _ in } == nil)
        #expect(Clinic.dictionary.identifier == "clinic@1")
        #expect(Clinic.dictionary["sex"]?.column == "sex")
        #expect(Clinic.dictionary["Sex"] == nil)
    }

    @Test func `a dictionary that contradicts itself is refused by variable`() {
        #expect(problem { $0.name = "Clinic 1" }?.problem == .badName)
        #expect(problem { $0.version = 0 }?.problem == .badVersion)
        #expect(problem { $0.person = "patient_ids" }?.problem == .noSuchPerson(suggestion: "patient_id"))
        #expect(problem { $0.person = "age" }?.problem == .personIsNoIdentifier)
        #expect(
            problem { $0.variables.append($0.variables[1]) }
                == DataDictionaryError(.duplicateVariable, variable: "age"))
        #expect(
            problem { $0.variables[1].column = "sex" }
                == DataDictionaryError(.duplicateColumn("sex", of: "age"), variable: "sex"))
        #expect(problem { $0.variables[1].name = "a`b" }?.problem == .badVariableName)
        #expect(
            problem { $0.variables[1].kind = .number(lower: 3, upper: 3, resolution: nil) }?.problem
                == .emptyRange)
        #expect(
            problem { $0.variables[1].kind = .number(lower: .nan, upper: 3, resolution: nil) }?.problem
                == .emptyRange)
        #expect(
            problem { $0.variables[1].kind = .number(lower: 0, upper: 3, resolution: 0) }?.problem
                == .badResolution)
    }

    @Test func `levels are unique, tidy, and none of them means missing`() {
        func levels(
            _ levels: [String], reference: String, missing: [String] = [], labels: [String: String] = [:]
        )
            -> DataDictionaryError.Problem?
        {
            problem {
                $0.variables[10] = .init(
                    name: "sex", kind: .category(levels: levels, reference: reference), missing: missing,
                    levelLabels: labels)
            }?.problem
        }
        #expect(levels(["männlich", "weiblich, älter"], reference: "männlich") == nil)
        #expect(levels(["m"], reference: "m") == .tooFewLevels)
        #expect(levels(["m", "m"], reference: "m") == .duplicateLevel("m"))
        #expect(levels(["m", " f"], reference: "m") == nil)
        #expect(levels(["m", "  "], reference: "m") == .badLevel("  "))
        #expect(levels(["m", ""], reference: "m") == .badLevel(""))
        #expect(levels(["m", "f\nx"], reference: "m") == .badLevel("f\nx"))
        #expect(levels(["m", "f"], reference: "F") == .referenceIsNoLevel("F", suggestion: "f"))
        #expect(levels(["m", "9"], reference: "m", missing: ["9"]) == .levelIsMissingCode("9"))
        #expect(
            levels(["m", "f"], reference: "m", labels: ["w": "women"])
                == .labelWithoutLevel("w", suggestion: "m"))
    }

    @Test func `a dictionary survives JSON, infinite ranges included`() throws {
        let data = try JSONEncoder().encode(Clinic.dictionary)
        #expect(try JSONDecoder().decode(DataDictionary.self, from: data) == Clinic.dictionary)
    }

    @Test(arguments: [
        ("tumor_cm", "tumour_cm"), ("TUMOUR_CM", "tumour_cm"), ("tuomur_cm", "tumour_cm"), ("tumour", nil),
        ("sx", "sex"), ("zzz", nil), ("", nil),
    ])
    func `a suggestion is near or not made`(word: String, suggestion: String?) {
        #expect(Spelling.nearest(to: word, among: ["age", "sex", "tumour_cm", "ecog"]) == suggestion)
    }
}

import Foundation
import PlimsollModel
import Testing
import WorkerKit

@testable import plimsoll

@Suite("Forms from answer schemas")
struct FormTests {
    static let rich = """
        {"type":"object","additionalProperties":false,"required":["label","tags","note"],"properties":{
          "label":{"enum":["good","bad"],"title":"Which is it?"},
          "tags":{"type":"array","items":{"enum":["a","b","c"]},"minItems":1,"maxItems":2,"uniqueItems":true},
          "score":{"type":"integer","minimum":1,"maximum":5},
          "note":{"type":"string","maxLength":10},
          "sure":{"type":"boolean"},
          "version":{"const":2},
          "where":{"type":"object","additionalProperties":false,"required":["line"],"properties":{
            "line":{"type":"number"},"file~/x":{"type":"string"}}},
          "rest":{"type":"array","items":{"type":"object"}}
        }}
        """

    @Test func everyPartOfASchemaBecomesAnItemInItsOrder() {
        let form = AnswerForm(schema: Self.rich)
        #expect(
            form.items.map(\.pointer) == [
                "/label", "/tags", "/score", "/note", "/sure", "/version", "/where/line", "/where/file~0~1x", "/rest",
            ])
        #expect(form.items[0].title == "Which is it?")
        #expect(form.items[0].field == .choice(["good", "bad"]))
        #expect(form.items[1].field == .choices(["a", "b", "c"], min: 1, max: 2))
        #expect(form.items[2].field == .number(isInteger: true, min: 1, max: 5))
        #expect(form.items[3].field == .text(min: 0, max: 10))
        #expect(form.items[4].field == .choice([true, false]))
        #expect(form.items[8].field == .json)
        #expect(form.items.map(\.isRequired) == [true, true, false, true, false, false, true, false, false])
    }

    @Test func whatIsNeededInsideAnObjectIsNeededOnlyWhereTheObjectIs() {
        let form = AnswerForm(schema: Self.rich)
        let base: [Int: JSONValue] = [0: "good", 1: ["a"], 3: "n"]
        #expect(form.problems(base).isEmpty)
        var with = base
        with[7] = "f"
        #expect(form.problems(with) == [6: "needed"])
        with[6] = 3
        #expect(form.problems(with).isEmpty)
        #expect(form.answer(with)["where"] == ["line": 3, "file~/x": "f"])
        #expect(form.answer(base)["where"] == nil)
    }

    @Test func requiredConstantsAreFilledInByThemselves() {
        let form = AnswerForm(
            schema: #"{"type":"object","required":["v","a"],"properties":{"v":{"const":2},"a":{"enum":[1,2]}}}"#)
        #expect(form.items.count == 1)
        #expect(form.answer([0: 1]) == ["v": 2, "a": 1])
    }

    @Test func anAnswerThatIsNoObjectIsOneItem() {
        let form = AnswerForm(schema: #"{"enum":["yes","no"]}"#)
        #expect(form.items.map(\.pointer) == [""])
        #expect(form.answer([0: "no"]) == "no")
    }

    @Test func anUnreadableSchemaGivesAnItemOfJSON() {
        #expect(AnswerForm(schema: "").items.map(\.field) == [.json])
        #expect(AnswerForm(schema: "{").items.count == 1)
    }

    @Test(
        arguments: [
            (0, JSONValue.string("good"), nil), (1, [], "at least 1"), (1, ["a", "b", "c"], "at most 2"),
            (2, 0, "at least 1"), (2, 1, nil), (2, 5, nil), (2, 6, "at most 5"),
            (3, "1234567890", nil), (3, "12345678901", "11 characters, at most 10"),
        ] as [(Int, JSONValue, String?)])
    func boundsAreToldBeforeSending(index: Int, value: JSONValue, problem: String?) {
        var values: [Int: JSONValue] = [0: "good", 1: ["a"], 3: "n"]
        values[index] = value
        #expect(AnswerForm(schema: Self.rich).problems(values)[index] == problem)
    }

    // MARK: - Filling in

    @Test func digitsChooseToggleAndSpell() {
        var entry = FormEntry(AnswerForm(schema: Self.rich))
        let keys: (String) -> Void = { text in for character in text { _ = entry.type(character) } }
        keys("2")
        #expect(entry.values[0] == "bad")
        keys("3")
        #expect(entry.values[0] == "bad", "there is no third")
        entry.move(1)
        keys("31")
        #expect(entry.values[1] == ["a", "c"], "in the schema's order")
        keys("3")
        #expect(entry.values[1] == ["a"])
        keys("1")
        #expect(entry.values[1] == nil)
        entry.move(1)
        keys("-12.5")
        #expect(entry.values[2]?.doubleValue == -12.5)
        entry.backspace()
        entry.backspace()
        #expect(entry.values[2] == -12)
        entry.move(-3)
        #expect(entry.focus == 8, "around the end")
        let isTaken = entry.type("x")
        #expect(!isTaken)
    }

    @Test func moreThanNineOptionsTakeTwoDigits() {
        let options = (1...12).map { "\"o\($0)\"" }.joined(separator: ",")
        var entry = FormEntry(AnswerForm(schema: "{\"enum\":[\(options)]}"))
        _ = entry.type("2")
        #expect(entry.values[0] == "o2", "20 is no option")
        _ = entry.type("1")
        #expect(entry.values[0] == "o2")
        _ = entry.type("2")
        #expect(entry.values[0] == "o12")
        _ = entry.type("1")
        entry.commitTyped()
        #expect(entry.values[0] == "o1")
    }

    @Test func theFirstProblemGetsTheFocus() {
        var entry = FormEntry(AnswerForm(schema: Self.rich), values: [0: "good"])
        #expect(entry.findProblems() == "tags: needed")
        #expect(entry.focus == 1)
    }

    // MARK: - Drafts

    @Test func draftsSurviveAreTheOwnersAloneAndFitAChangedSchema() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("draft-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = DraftStore(identityDirectory: directory)
        let form = AnswerForm(schema: Self.rich)
        let entry = FormEntry(form, values: [0: "good", 3: "long\nwords", 6: 1.asJSON])
        let task = WorkTask.sample(schema: Self.rich)
        try store.save(entry, for: task)
        let file = store.directory.appendingPathComponent("1-7.json")
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(store.load(for: task, form: form) == entry.values)
        let changed = AnswerForm(
            schema: #"{"type":"object","properties":{"note":{"type":"string"},"label":{"enum":["x"]}}}"#)
        #expect(store.load(for: task, form: changed) == [0: "long\nwords"])
        try store.remove(project: 1, task: 7)
        try store.remove(project: 1, task: 7)
        #expect(store.load(for: task, form: form).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.directory.path).isEmpty)
    }

    @Test func anEmptyEntryLeavesNoDraft() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("draft-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = DraftStore(identityDirectory: directory)
        let task = WorkTask.sample(schema: Self.rich)
        let form = AnswerForm(schema: Self.rich)
        try store.save(FormEntry(form, values: [0: "good"]), for: task)
        try store.save(FormEntry(form), for: task)
        #expect(store.load(for: task, form: form).isEmpty)
    }
}

extension Int {
    var asJSON: JSONValue { .number(JSONNumber(self)) }
}

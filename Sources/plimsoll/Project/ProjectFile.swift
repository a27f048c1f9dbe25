import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// A project as a file describes it, in YAML or JSON. Every member but the name may be missing: `project create` then
/// takes a default or says what it needs, `project set` leaves it as it is.
struct ProjectFile {
    var name: String?
    var instructions: String?
    var answerSchema: String?
    var overlap: Int?
    var weight: Int?
    var purposes: [String]?
    var effort: Duration?
    var namedPersons: [String]?
    var refill: Bool?

    static let keys = [
        "name", "instructions", "instructions_file", "answer_schema", "answer_schema_file", "overlap", "weight",
        "purposes", "effort", "effort_seconds", "named_persons", "refill",
    ]

    init() {}

    init(path: String) throws {
        try self.init(text: TextFile.read(path), file: path)
    }

    /// `file` is for messages, and what its `..._file` members are relative to.
    init(text: String, file: String) throws {
        let map = try YAMLMap(text: text, file: file)
        try map.allow(keys: Self.keys)
        let folder = URL(filePath: file).deletingLastPathComponent()
        func beside(_ key: String) throws -> String? {
            try map.string(key).map {
                try TextFile.read(URL(filePath: $0, relativeTo: folder).path(percentEncoded: false))
            }
        }
        name = try map.string("name")
        instructions = try map.string("instructions") ?? beside("instructions_file")
        if let schema = try map.json("answer_schema") {
            // A schema written as text is taken as it stands.
            answerSchema = schema.stringValue ?? schema.description
        } else {
            answerSchema = try beside("answer_schema_file")
        }
        overlap = try map.integer("overlap", in: 1...64)
        weight = try map.integer("weight", in: 1...1_000)
        purposes = try map.strings("purposes")
        effort = try map.duration("effort") ?? map.integer("effort_seconds", in: 1...14_400).map { .seconds($0) }
        namedPersons = try map.strings("named_persons")
        refill = try map.bool("refill")
    }

    /// What this names, on top of `document`.
    func apply(to document: inout Plimsoll_V1_ProjectDocument) {
        if let name { document.name = name }
        if let instructions { document.instructions = instructions }
        if let answerSchema { document.answerSchema = answerSchema }
        if let overlap { document.overlap = UInt32(overlap) }
        if let weight { document.weight = UInt32(weight) }
        if let purposes { document.purposes = purposes }
        if let effort { document.effortSeconds = UInt32(effort.components.seconds) }
        if let namedPersons { document.namedPersons = namedPersons }
        if let refill { document.refill = refill }
    }

    /// The document that creates the project.
    func document() throws -> Plimsoll_V1_ProjectDocument {
        var document = Plimsoll_V1_ProjectDocument.with {
            $0.overlap = 1
            $0.weight = 1
            $0.effortSeconds = UInt32(Self.effortDefault.components.seconds)
            $0.purposes = [Self.purposeDefault]
        }
        apply(to: &document)
        var missing: [String] = []
        if document.name.isEmpty { missing.append("a name") }
        if document.instructions.isEmpty { missing.append("instructions") }
        if document.answerSchema.isEmpty { missing.append("an answer schema") }
        if document.namedPersons.isEmpty { missing.append("a named person who answers concerns") }
        guard missing.isEmpty else {
            throw CommandFailure(
                .wrongUse, "the project lacks \(missing.joined(separator: ", "))",
                next: "see `plimsoll project create --help`")
        }
        return document
    }

    /// How long a task takes where nobody says.
    static let effortDefault = Duration.seconds(300)
    /// The purpose of every project that names none.
    static let purposeDefault = "taking-part"
}

import PlimsollProtocol
import SwiftProtobuf

/// A notice as a YAML file writes it.
enum NoticeFile {
    static let keys = [
        "id", "locale", "purpose", "text", "data", "recipients", "retention", "withdrawal_method",
        "alternative_offered", "assessment", "consultation", "validity_days", "material", "version",
    ]
    private static let basisKeys = ["reference", "date"]
    /// What files call themselves that are part of something else.
    private static let clauseKeys = [
        "part_of", "part-of", "contract_clause", "contract-clause", "clause_of", "clause-of",
    ]

    /// Days that an agreement lasts where the notice does not say.
    static let validityDaysDefault = 90

    static func read(_ path: String) throws -> Plimsoll_V1_NoticeDocument {
        try parse(TextFile.read(path), file: path)
    }

    static func parse(_ text: String, file: String) throws -> Plimsoll_V1_NoticeDocument {
        let map = try YAMLMap(text: text, file: file)
        for clause in map.keys where clauseKeys.contains(clause) {
            throw map.failure(
                clause,
                "makes the notice a part of another document, and an agreement stands on a document of its own: who "
                    + "signs a contract has not agreed to a clause in it")
        }
        try map.allow(keys: keys)
        var missing: [String] = []
        func needed(_ map: YAMLMap?, _ key: String, as name: String) throws -> String {
            let text = try map?.string(key) ?? ""
            if text.allSatisfy(\.isWhitespace) { missing.append(name) }
            return text
        }
        func needed(_ key: String) throws -> String { try needed(map, key, as: key) }
        func basis(_ key: String) throws -> (reference: String, date: String) {
            let inner = try map.map(key)
            try inner?.allow(keys: basisKeys)
            return (
                try needed(inner, "reference", as: "\(key).reference"), try needed(inner, "date", as: "\(key).date")
            )
        }
        var document = Plimsoll_V1_NoticeDocument()
        document.id = try needed("id")
        document.locale = try map.string("locale") ?? "en"
        document.purpose = try needed("purpose")
        document.text = try needed("text")
        document.data = try needed("data")
        document.recipients = try needed("recipients")
        document.retention = try needed("retention")
        document.withdrawalMethod = try needed("withdrawal_method")
        document.alternativeOffered = try needed("alternative_offered")
        (document.assessment, document.assessmentOn) = try basis("assessment")
        (document.consultation, document.consultationOn) = try basis("consultation")
        guard missing.isEmpty else {
            throw CommandFailure(.wrongUse, "the notice in \(file) lacks: \(missing.joined(separator: ", "))")
        }
        document.validityDays = UInt32(try map.integer("validity_days", in: 1...366) ?? validityDaysDefault)
        document.material = try map.bool("material") ?? true
        document.version = UInt32(try map.integer("version", in: 1...1_000_000) ?? 0)
        return document
    }
}

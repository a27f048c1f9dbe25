import PlimsollProtocol
import SwiftProtobuf

/// A notice as a YAML file writes it.
enum NoticeFile {
    static let keys = [
        "id", "locale", "purpose", "text", "data", "recipients", "retention", "withdrawal_method",
        "alternative_offered", "validity_days", "material", "version",
    ]

    /// Days that an agreement lasts where the notice does not say.
    static let validityDaysDefault = 90

    static func read(_ path: String) throws -> Plimsoll_V1_NoticeDocument {
        try parse(TextFile.read(path), file: path)
    }

    static func parse(_ text: String, file: String) throws -> Plimsoll_V1_NoticeDocument {
        let map = try YAMLMap(text: text, file: file)
        try map.allow(keys: keys)
        var document = Plimsoll_V1_NoticeDocument()
        document.id = try map.required("id")
        document.locale = try map.string("locale") ?? "en"
        document.purpose = try map.required("purpose")
        document.text = try map.required("text")
        document.data = try map.required("data")
        document.recipients = try map.required("recipients")
        document.retention = try map.required("retention")
        document.withdrawalMethod = try map.required("withdrawal_method")
        document.alternativeOffered = try map.required("alternative_offered")
        document.validityDays = UInt32(try map.integer("validity_days", in: 1...366) ?? validityDaysDefault)
        document.material = try map.bool("material") ?? true
        document.version = UInt32(try map.integer("version", in: 1...1_000_000) ?? 0)
        return document
    }
}

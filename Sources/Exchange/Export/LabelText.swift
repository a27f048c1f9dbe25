import PlimsollModel

/// The text of one label in each format.
enum LabelText {
    static let columns = [
        "task_key", "task_id", "kind", "slot", "annotator", "answer", "accepted_on", "agreements", "policy_version",
        "instructions_version", "payload",
    ]

    /// JSON Lines: one object in one line.
    static func appendLine(_ row: LabelRow, to bytes: inout [UInt8]) {
        member("{\"task_key\":", row.taskKey, to: &bytes)
        bytes.append(contentsOf: ",\"task_id\":\(row.taskID)".utf8)
        member(",\"kind\":", row.kind, to: &bytes)
        bytes.append(contentsOf: ",\"slot\":\(row.slot)".utf8)
        member(",\"annotator\":", row.annotator, to: &bytes)
        bytes.append(contentsOf: ",\"answer\":".utf8)
        appendInOneLine(row.answer, to: &bytes)
        appendProvenance(row, to: &bytes)
        bytes.append(contentsOf: ",\"payload\":".utf8)
        appendInOneLine(row.payload, to: &bytes)
        bytes.append(contentsOf: "}\n".utf8)
    }

    /// CSV: values as they are, so a spreadsheet should take the columns as text; agreements apart by spaces.
    static func appendRecord(_ row: LabelRow, to bytes: inout [UInt8]) {
        CSVText.append(
            [
                row.taskKey, String(row.taskID), row.kind, String(row.slot), row.annotator,
                String(decoding: row.answer, as: UTF8.self), row.acceptedOn, row.agreements.joined(separator: " "),
                String(row.policyVersion), String(row.instructionsVersion),
                String(decoding: row.payload, as: UTF8.self),
            ], to: &bytes)
    }

    /// A Label Studio task up to the start of its annotations.
    static func openTask(_ row: LabelRow, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "\n{\"id\":\(row.taskID),\"data\":".utf8)
        appendInOneLine(row.payload, to: &bytes)
        member(",\"meta\":{\"key\":", row.taskKey, to: &bytes)
        member(",\"kind\":", row.kind, to: &bytes)
        bytes.append(contentsOf: "},\"annotations\":[".utf8)
    }

    /// A Label Studio annotation. Ids count within the export; `lead_time` and times of day are never written (P10).
    static func annotation(_ row: LabelRow, id: Int, schema: JSONValue?) throws -> [UInt8] {
        let result = LabelStudioResult.entries(try JSONValue.parse(row.answer), schema: schema)
        var bytes = Array("\n {\"id\":\(id)".utf8)
        member(",\"completed_by\":", row.annotator, to: &bytes)
        bytes.append(contentsOf: ",\"result\":".utf8)
        bytes.append(contentsOf: result.encode())
        bytes.append(contentsOf: ",\"was_cancelled\":false,\"ground_truth\":false".utf8)
        bytes.append(contentsOf: ",\"plimsoll\":{\"slot\":\(row.slot),\"answer\":".utf8)
        appendInOneLine(row.answer, to: &bytes)
        appendProvenance(row, to: &bytes)
        bytes.append(contentsOf: "}}".utf8)
        return bytes
    }

    private static func appendProvenance(_ row: LabelRow, to bytes: inout [UInt8]) {
        member(",\"accepted_on\":", row.acceptedOn, to: &bytes)
        bytes.append(contentsOf: ",\"agreements\":[".utf8)
        for (index, agreement) in row.agreements.enumerated() {
            member(index > 0 ? "," : "", agreement, to: &bytes)
        }
        bytes.append(contentsOf: "],\"policy_version\":\(row.policyVersion)".utf8)
        bytes.append(contentsOf: ",\"instructions_version\":\(row.instructionsVersion)".utf8)
    }

    private static func member(_ opening: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: opening.utf8)
        CanonicalJSON.appendQuoted(value, to: &bytes)
    }

    /// JSON may hold raw line ends between its tokens and nowhere else; a space means the same and keeps the line
    /// whole.
    private static func appendInOneLine(_ json: [UInt8], to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: json)
        for index in start..<bytes.count where bytes[index] == 0x0A || bytes[index] == 0x0D { bytes[index] = 0x20 }
    }
}

/// RFC 4180.
public enum CSVText {
    /// One record, with its line end.
    public static func append(_ fields: [String], to bytes: inout [UInt8]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(field, to: &bytes)
        }
        bytes.append(contentsOf: "\r\n".utf8)
    }

    private static func append(_ field: String, to bytes: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let needsQuotes = field.utf8.contains {
            $0 == quote || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
        }
        guard needsQuotes else {
            bytes.append(contentsOf: field.utf8)
            return
        }
        bytes.append(quote)
        for byte in field.utf8 {
            if byte == quote { bytes.append(quote) }
            bytes.append(byte)
        }
        bytes.append(quote)
    }
}

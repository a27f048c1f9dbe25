import PlimsollModel

/// One line of JSON Lines as a task.
///
/// An object with a member `payload` is an envelope: `key` (or `id`) and `payload` are needed; `kind`, `severity`,
/// `priority`, `effort` (seconds, or text such as "90s", "5m", "1h") and `gold` may stand beside them, anything else is
/// an error. An object without `payload` is the payload itself, whole, and its member `key`, else `id`, is the key.
/// A key is a string or a whole number.
struct TaskEnvelope {
    /// Known as soon as it was read, so that later faults can name it.
    private(set) var key: String?

    private enum Member: String {
        case key, id, kind, severity, priority, effort, payload, gold

        init?(_ name: JSONText, _ scanner: JSONScanner) {
            // Compared are only names with the same first byte, since this runs for each member of each task.
            switch scanner.byte(at: name.range.lowerBound) {
            case _ where name.hasEscapes:
                guard let member = Member(rawValue: scanner.decode(name)) else { return nil }
                self = member
            case UInt8(ascii: "k") where scanner.isEqual(name, "key"): self = .key
            case UInt8(ascii: "k") where scanner.isEqual(name, "kind"): self = .kind
            case UInt8(ascii: "p") where scanner.isEqual(name, "payload"): self = .payload
            case UInt8(ascii: "p") where scanner.isEqual(name, "priority"): self = .priority
            case UInt8(ascii: "i") where scanner.isEqual(name, "id"): self = .id
            case UInt8(ascii: "s") where scanner.isEqual(name, "severity"): self = .severity
            case UInt8(ascii: "e") where scanner.isEqual(name, "effort"): self = .effort
            case UInt8(ascii: "g") where scanner.isEqual(name, "gold"): self = .gold
            default: return nil
            }
        }
    }

    private struct Value {
        let range: Range<Int>
        let isCompact: Bool
    }

    /// Where each member's value lies; nil when it is missing.
    private struct Values {
        var key, id, kind, severity, priority, effort, payload, gold: Value?

        mutating func set(_ member: Member, _ value: Value) {
            switch member {
            case .key: key = value
            case .id: id = value
            case .kind: kind = value
            case .severity: severity = value
            case .priority: priority = value
            case .effort: effort = value
            case .payload: payload = value
            case .gold: gold = value
            }
        }
    }

    mutating func read(_ scanner: inout JSONScanner, limits: ImportLimits) throws(JSONError) -> TaskRecord {
        do {
            return try readRecord(&scanner, limits: limits)
        } catch let error as JSONError {
            throw error
        } catch {
            // Nothing beneath throws another error; the closure of `scanObject` only hides that.
            throw scanner.fault(.unexpected, "\(error)")
        }
    }

    private mutating func readRecord(_ scanner: inout JSONScanner, limits: ImportLimits) throws -> TaskRecord {
        guard try scanner.nextKind() == .object else { throw scanner.fault(.wrongKind, "a task must be an object") }
        let start = scanner.offset
        let whitespace = scanner.whitespaceBytes
        var values = Values()
        var stranger: (name: String, offset: Int)?
        try scanner.scanObject { scanner, name in
            let member = Member(name, scanner)
            if member == nil, stranger == nil {
                stranger = (scanner.decode(name), name.range.lowerBound - 1)
            }
            scanner.skipWhitespace()
            let before = scanner.whitespaceBytes
            let range = try scanner.skipValue()
            guard let member else { return }
            values.set(member, Value(range: range, isCompact: scanner.whitespaceBytes == before))
        }
        let whole = Value(range: start..<scanner.offset, isCompact: scanner.whitespaceBytes == whitespace)
        try scanner.expectEnd()

        var reader = MemberReader(scanner: scanner, limits: limits)
        guard let keyValue = values.key ?? values.id else {
            throw scanner.fault(.wrongKind, "the task has no `key` and no `id`", at: start)
        }
        let key = try reader.key(keyValue.range)
        self.key = key
        guard let payload = values.payload else {
            return TaskRecord(key: key, payload: try reader.json(whole.range, isCompact: whole.isCompact, "payload"))
        }
        if let stranger {
            throw scanner.fault(
                .unexpected, "`\(stranger.name)` is no member of a task; put what is to be labeled into `payload`",
                at: stranger.offset)
        }
        if let id = values.id, values.key != nil {
            throw scanner.fault(.unexpected, "`key` and `id` say the same thing; keep one", at: id.range.lowerBound)
        }
        guard scanner.byte(at: payload.range.lowerBound) == UInt8(ascii: "{") else {
            throw scanner.fault(.wrongKind, "`payload` must be an object", at: payload.range.lowerBound)
        }
        var record = TaskRecord(
            key: key, payload: try reader.json(payload.range, isCompact: payload.isCompact, "payload"))
        if let kind = values.kind { record.kind = try reader.kind(kind.range) }
        if let value = values.severity {
            record.severity = try reader.integer(value.range, "severity", in: TaskRecord.severityRange)
        }
        if let value = values.priority {
            record.priority = try reader.integer(value.range, "priority", in: TaskRecord.priorityRange)
        }
        if let value = values.effort { record.effortSeconds = try reader.effort(value.range) }
        if let gold = values.gold, scanner.byte(at: gold.range.lowerBound) != UInt8(ascii: "n") {
            record.gold = try reader.json(gold.range, isCompact: gold.isCompact, "gold")
        }
        return record
    }
}

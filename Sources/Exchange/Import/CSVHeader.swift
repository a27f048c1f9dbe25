import PlimsollModel

/// The columns of a CSV file and how a row becomes a task.
struct CSVHeader {
    let names: [String]
    private let roles: [Role]

    private enum Role {
        case key, kind, severity, priority, effort, gold
        /// A member of the payload; its name as it starts there, `"name":`.
        case payload([UInt8])
    }

    init(_ fields: [CSVSplitter.Field], _ bytes: UnsafeBufferPointer<UInt8>) throws(CSVFault) {
        var names: [String] = []
        var roles: [Role] = []
        var seen: Set<[UInt8]> = []
        let all = fields.map { $0.text(bytes) }
        let keyColumn: [UInt8] = all.contains(Array("key".utf8)) ? Array("key".utf8) : Array("id".utf8)
        for (field, text) in zip(fields, all) {
            let name = String(decoding: text, as: UTF8.self)
            guard !text.isEmpty else {
                throw CSVFault(offset: field.range.lowerBound, message: "column \(names.count + 1) has no name")
            }
            guard seen.insert(text).inserted else {
                throw CSVFault(offset: field.range.lowerBound, message: "the column `\(name)` appears twice")
            }
            names.append(name)
            switch name {
            case _ where text == keyColumn: roles.append(.key)
            case "kind": roles.append(.kind)
            case "severity": roles.append(.severity)
            case "priority": roles.append(.priority)
            case "effort": roles.append(.effort)
            case "gold": roles.append(.gold)
            default:
                var member: [UInt8] = []
                CanonicalJSON.appendQuoted(text, to: &member)
                roles.append(.payload(member + [UInt8(ascii: ":")]))
            }
        }
        guard seen.contains(keyColumn) else {
            throw CSVFault(offset: 0, message: "the header names no column `key` and no column `id`")
        }
        self.names = names
        self.roles = roles
    }

    /// One row as a task; `key` is set as soon as it is known. There are as many fields as columns.
    func record(
        _ fields: [CSVSplitter.Field], _ bytes: UnsafeBufferPointer<UInt8>, _ limits: ImportLimits, key: inout String?
    ) throws(CSVFault) -> TaskRecord {
        var record = TaskRecord(key: "", payload: [UInt8(ascii: "{")])
        for (field, role) in zip(fields, roles) {
            switch role {
            case .payload(let member):
                if record.payload.count > 1 { record.payload.append(UInt8(ascii: ",")) }
                record.payload.append(contentsOf: member)
                if field.hasDoubledQuotes {
                    CanonicalJSON.appendQuoted(field.text(bytes), to: &record.payload)
                } else {
                    let text = UnsafeBufferPointer(rebasing: bytes[field.range])
                    CanonicalJSON.appendQuoted(text, to: &record.payload)
                }
            default:
                let text = field.text(bytes)
                // Empty means: the default; only a key has none.
                if text.isEmpty, case .key = role {} else if text.isEmpty { continue }
                let message = set(role, String(decoding: text, as: UTF8.self), &record, limits)
                if let message { throw CSVFault(offset: field.range.lowerBound, message: message) }
                if case .key = role { key = record.key }
            }
        }
        record.payload.append(UInt8(ascii: "}"))
        guard record.payload.count <= limits.payloadBytesMax else {
            throw CSVFault(
                offset: 0,
                message: MemberRules.sizeFault("payload", record.payload.count, limits.payloadBytesMax))
        }
        return record
    }

    /// Puts one field of the task itself in place and returns why it cannot, or nil.
    private func set(_ role: Role, _ text: String, _ record: inout TaskRecord, _ limits: ImportLimits) -> String? {
        func whole(_ name: String, _ allowed: ClosedRange<Int>, _ path: WritableKeyPath<TaskRecord, Int>) -> String? {
            guard let value = Int(text), allowed.contains(value) else {
                return MemberRules.integerFault(name, in: allowed)
            }
            record[keyPath: path] = value
            return nil
        }
        switch role {
        case .key:
            record.key = text
            return MemberRules.keyFault(text, limits)
        case .kind:
            record.kind = text
            return MemberRules.kindFault(text, limits)
        case .severity: return whole("severity", TaskRecord.severityRange, \.severity)
        case .priority: return whole("priority", TaskRecord.priorityRange, \.priority)
        case .effort:
            record.effortSeconds = MemberRules.seconds(text)
            return record.effortSeconds.map { TaskRecord.effortSecondsRange.contains($0) } == true
                ? nil : MemberRules.effortFault
        case .gold:
            do {
                let bytes = Array(text.utf8)
                let gold = try JSONScanner.withScanner(bytes) { scanner in
                    let range = try scanner.skipValue()
                    try scanner.expectEnd()
                    return scanner.copyCompact(range)
                }
                record.gold = gold == Array("null".utf8) ? nil : gold
                return gold.count <= limits.payloadBytesMax
                    ? nil : MemberRules.sizeFault("gold", gold.count, limits.payloadBytesMax)
            } catch {
                return "`gold` must be JSON, a text in quotes for example: \(error)"
            }
        case .payload: return nil
        }
    }
}

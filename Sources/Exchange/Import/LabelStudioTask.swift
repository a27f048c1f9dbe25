import PlimsollModel

/// One task of a Label Studio file (its `task_format`).
struct LabelStudioTask {
    private(set) var key: String?
    /// What was left out, and how often.
    private(set) var leftOut: [(String, Int)] = []

    private var start = 0
    private var id: Range<Int>?
    private var metaKey: Range<Int>?
    private var data: Range<Int>?
    private var gold: JSONValue?
    private var hasGold = false
    private var annotations = 0
    private var predictions = 0
    private var drafts = 0
    private var leadTimes = 0
    private var noSkips = 0

    /// Reads the task's text to its end; only faults of the text are thrown.
    mutating func scan(_ scanner: inout JSONScanner) throws(JSONError) {
        do {
            try scanMembers(&scanner)
        } catch let error as JSONError {
            throw error
        } catch {
            // Nothing beneath throws another error; the closures only hide that.
            throw scanner.fault(.unexpected, "\(error)")
        }
    }

    private mutating func scanMembers(_ scanner: inout JSONScanner) throws {
        guard try scanner.nextKind() == .object else { throw scanner.fault(.wrongKind, "a task must be an object") }
        start = scanner.offset
        try scanner.scanObject { scanner, name in
            if scanner.isEqual(name, "id") {
                id = try scanner.skipValue()
            } else if scanner.isEqual(name, "data") {
                data = try scanner.skipValue()
            } else if scanner.isEqual(name, "meta"), try scanner.nextKind() == .object {
                try scanner.scanObject { scanner, name in
                    let range = try scanner.skipValue()
                    if scanner.isEqual(name, "key") { metaKey = range }
                }
            } else if scanner.isEqual(name, "annotations"), try scanner.nextKind() == .array {
                try scanner.scanArray { scanner, _ in try scanAnnotation(&scanner) }
            } else if scanner.isEqual(name, "predictions"), try scanner.nextKind() == .array {
                try scanner.scanArray { scanner, _ in
                    predictions += 1
                    try scanner.skipValue()
                }
            } else if scanner.isEqual(name, "drafts"), try scanner.nextKind() == .array {
                try scanner.scanArray { scanner, _ in
                    drafts += 1
                    try scanner.skipValue()
                }
            } else if scanner.isEqual(name, "allow_skip"), try scanner.nextKind() == .bool {
                if try !scanner.scanBool() { noSkips += 1 }
            } else {
                try scanner.skipValue()
            }
        }
        leftOut = [
            ("annotations left out", annotations), ("predictions left out", predictions), ("drafts left out", drafts),
            ("lead_time left out", leadTimes),
            ("allow_skip: false not honoured, since saying no is always possible", noSkips),
        ]
    }

    private mutating func scanAnnotation(_ scanner: inout JSONScanner) throws {
        guard try scanner.nextKind() == .object else {
            try scanner.skipValue()
            annotations += 1
            return
        }
        var isTrue = false
        var wasCancelled = false
        var result: Range<Int>?
        try scanner.scanObject { scanner, name in
            if scanner.isEqual(name, "ground_truth"), try scanner.nextKind() == .bool {
                isTrue = try scanner.scanBool()
            } else if scanner.isEqual(name, "was_cancelled"), try scanner.nextKind() == .bool {
                wasCancelled = try scanner.scanBool()
            } else if scanner.isEqual(name, "result") {
                result = try scanner.skipValue()
            } else {
                if scanner.isEqual(name, "lead_time") { leadTimes += 1 }
                try scanner.skipValue()
            }
        }
        guard isTrue, !wasCancelled, !hasGold, let result else {
            annotations += 1
            return
        }
        let end = scanner.offset
        scanner.seek(result.lowerBound)
        gold = LabelStudioResult.answer(try scanner.scanValue())
        hasGold = gold != nil
        if !hasGold { annotations += 1 }
        scanner.seek(end)
    }

    /// The task as a record. Throws for what is missing or too large; the text behind it can still be read.
    mutating func record(_ scanner: JSONScanner, _ limits: ImportLimits) throws(JSONError) -> TaskRecord {
        var reader = MemberReader(scanner: scanner, limits: limits)
        guard let keyRange = metaKey ?? id else {
            throw scanner.fault(.wrongKind, "the task has no `id` and no `meta.key`", at: start)
        }
        let key = try reader.key(keyRange)
        self.key = key
        guard let data else { throw scanner.fault(.wrongKind, "the task has no `data`", at: start) }
        guard scanner.byte(at: data.lowerBound) == UInt8(ascii: "{") else {
            throw scanner.fault(.wrongKind, "`data` must be an object", at: data.lowerBound)
        }
        var record = TaskRecord(key: key, payload: try reader.json(data, isCompact: false, "data"))
        if let gold {
            let bytes = gold.encode()
            guard bytes.count <= limits.payloadBytesMax else {
                throw scanner.fault(
                    .unexpected, MemberRules.sizeFault("gold", bytes.count, limits.payloadBytesMax), at: start)
            }
            record.gold = bytes
        }
        return record
    }
}

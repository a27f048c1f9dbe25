/// Walks an answer and its shape side by side in one pass and notes what does not fit.
struct AnswerCheck {
    /// Further problems are not looked for.
    static let problemsMax = 20
    /// Whole numbers beyond this are not told apart by every JSON reader (RFC 8259 section 6), so they cannot be kept.
    static let integerMax = 9_007_199_254_740_991.0

    private var problems: [AnswerProblem] = []

    static func problems(of answer: [UInt8], _ root: AnswerShape, maxBytes: Int) -> [AnswerProblem] {
        guard answer.count <= maxBytes else {
            return [
                AnswerProblem(path: "", message: "the answer has \(answer.count) bytes; at most \(maxBytes) are kept")
            ]
        }
        do {
            return try JSONScanner.withScanner(answer) { scanner in
                var check = AnswerCheck()
                try check.value(&scanner, root)
                try scanner.expectEnd()
                return check.problems
            }
        } catch {
            // Only faults of the text end the walk; what was noted before them may follow from them.
            let text = (error as? JSONError)?.description ?? "it cannot be read"
            return [AnswerProblem(path: "", message: "the answer is no JSON: \(text)")]
        }
    }

    private mutating func value(_ scanner: inout JSONScanner, _ shape: AnswerShape) throws {
        let kind = try scanner.nextKind()
        guard !shape.types.intersection(AnswerTypes.of(kind)).isEmpty else {
            try scanner.skipValue()
            note("must be \(shape.types.described), not \(kind == .bool ? "boolean" : kind.rawValue)")
            return
        }
        if shape.choices != nil { return try choice(&scanner, shape) }
        switch kind {
        case .null, .bool: try scanner.skipValue()
        case .number: try number(&scanner, shape)
        case .string: try text(&scanner, shape)
        case .array: try array(&scanner, shape)
        case .object: try object(&scanner, shape)
        }
    }

    private mutating func choice(_ scanner: inout JSONScanner, _ shape: AnswerShape) throws {
        let range = try scanner.skipValue()
        // Most answers are canonical as they come.
        for text in shape.choiceTexts where text.count == range.count {
            if scanner.bytes[range].elementsEqual(text) { return }
        }
        if shape.choiceTexts.contains(try CanonicalJSON.canonicalize(scanner.copy(range))) { return }
        let shown = shape.choiceTexts.prefix(8).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        let more = shape.choiceTexts.count > 8 ? ", …" : ""
        note(shape.choiceTexts.count == 1 ? "must be \(shown)" : "must be one of \(shown)\(more)")
    }

    private mutating func number(_ scanner: inout JSONScanner, _ shape: AnswerShape) throws {
        let token = try scanner.scanNumber()
        let value = scanner.number(token).double
        guard value.isFinite else { return note("is larger than any number that can be kept") }
        if !shape.types.contains(.number), value != value.rounded() { return note("must be a whole number") }
        if token.isInteger, value.magnitude > Self.integerMax {
            return note("is a whole number beyond 9007199254740991, which cannot be kept exactly")
        }
        if let minimum = shape.minimum, value < minimum { note("must be at least \(JSONNumber.shown(minimum))") }
        if let maximum = shape.maximum, value > maximum { note("must be at most \(JSONNumber.shown(maximum))") }
    }

    private mutating func text(_ scanner: inout JSONScanner, _ shape: AnswerShape) throws {
        let token = try scanner.scanString()
        guard shape.minLength != nil || shape.maxLength != nil else { return }
        let length =
            token.hasEscapes
            ? Self.scalars(in: scanner.decodedBytes(token)) : Self.scalars(in: scanner.bytes[token.range])
        if let least = shape.minLength, length < least { note("must have at least \(least) characters, not \(length)") }
        if let most = shape.maxLength, length > most { note("must have at most \(most) characters, not \(length)") }
    }

    private mutating func array(_ scanner: inout JSONScanner, _ shape: AnswerShape) throws {
        guard let items = shape.items else { return note("must not be an array") }
        var seen: Set<[UInt8]> = []
        var count = 0
        try scanner.scanArray { scanner, index in
            let before = problems.count
            let start = scanner.offset
            try value(&scanner, items)
            count = index + 1
            step(before) { String(index) }
            if shape.uniqueItems {
                let text = try CanonicalJSON.canonicalize(scanner.copy(start..<scanner.offset))
                if !seen.insert(text).inserted { note("is there twice", at: "/\(index)") }
            }
        }
        if let least = shape.minItems, count < least { note("must have at least \(least) items, not \(count)") }
        if let most = shape.maxItems, count > most { note("must have at most \(most) items, not \(count)") }
    }

    private mutating func object(_ scanner: inout JSONScanner, _ shape: AnswerShape) throws {
        var seen: UInt64 = 0
        try scanner.scanObject { scanner, key in
            guard let place = shape.properties.firstIndex(where: { scanner.isEqual(key, $0.key) }) else {
                try scanner.skipValue()
                note("is not asked for", at: "/" + AnswerSchemaReader.pointer(scanner.decode(key)))
                return
            }
            seen |= 1 << UInt64(place)
            let before = problems.count
            try value(&scanner, shape.properties[place].shape)
            step(before) { AnswerSchemaReader.pointer(shape.properties[place].name) }
        }
        let missing = shape.requiredMask & ~seen
        guard missing != 0 else { return }
        for (place, property) in shape.properties.enumerated() where missing & 1 << UInt64(place) != 0 {
            note("is missing", at: "/" + AnswerSchemaReader.pointer(property.name))
        }
    }

    private mutating func note(_ message: String, at path: String = "") {
        if problems.count < Self.problemsMax { problems.append(AnswerProblem(path: path, message: message)) }
    }

    /// Paths grow from the inside on the way out, so that an answer without problems costs no path.
    private mutating func step(_ before: Int, _ name: () -> String) {
        guard problems.count > before else { return }
        let prefix = "/" + name()
        for index in before..<problems.count {
            problems[index] = AnswerProblem(path: prefix + problems[index].path, message: problems[index].message)
        }
    }

    private static func scalars(in bytes: some Sequence<UInt8>) -> Int {
        bytes.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }
}

extension JSONNumber {
    /// A finite number as people write it: 5, not 5.0.
    fileprivate static func shown(_ value: Double) -> String { JSONNumber(value)?.text ?? "\(value)" }
}

/// What a project's answers must look like: a closed subset of JSON Schema (draft 2020-12), compiled once.
///
/// | keyword | where |
/// |---|---|
/// | `type` | everywhere, unless `enum` or `const` stands there; one name or a list of them |
/// | `enum`, `const` | alone, or with `type`; any JSON values |
/// | `minLength`, `maxLength` | strings, in Unicode scalars |
/// | `minimum`, `maximum` | numbers and integers |
/// | `items` (required), `minItems`, `maxItems`, `uniqueItems` | arrays |
/// | `properties` (required, not empty), `required`, `additionalProperties: false` (required) | objects |
/// | `title`, `description` | everywhere |
/// | `$schema` | at the top |
///
/// Every other keyword is refused, so that no author believes in a check that nobody makes. Objects are closed, so
/// that no data slips in that nobody listed (P10).
public struct AnswerSchema: Sendable {
    /// Longer schemas are refused.
    public static let bytesMax = 65_536
    /// Objects and arrays inside each other, at most.
    public static let depthMax = 16
    /// Members of one object, at most.
    public static let propertiesMax = 64
    /// Values of one `enum`, at most.
    public static let choicesMax = 1_000
    /// An answer is no longer than this unless the caller says otherwise.
    public static let answerBytesMax = 262_144

    /// The whole answer.
    public let root: AnswerShape
    /// The schema in canonical form; equal schemas have equal text.
    public let canonical: [UInt8]

    /// Reads a schema. Throws `ModelError` with `badSchema`: for faults of the JSON with line and column, for faults
    /// of the schema with the JSON pointer of the place.
    public static func compile(_ bytes: [UInt8]) throws(ModelError) -> AnswerSchema {
        guard bytes.count <= bytesMax else {
            throw ModelError(.badSchema, "the schema is longer than \(bytesMax) bytes", path: "")
        }
        let value: JSONValue
        let canonical: [UInt8]
        do {
            value = try JSONValue.parse(bytes)
            canonical = try CanonicalJSON.canonicalize(bytes)
        } catch let error as JSONError {
            throw ModelError(.badSchema, error.message, line: error.line, column: error.column, cause: error)
        } catch {
            throw ModelError(.badSchema, "the schema cannot be read as JSON", cause: error)
        }
        return AnswerSchema(root: try AnswerSchemaReader.shape(value, path: "", depth: 1), canonical: canonical)
    }

    /// What is wrong with an answer; empty: nothing.
    public func validate(_ answer: [UInt8], maxBytes: Int = AnswerSchema.answerBytesMax) -> [AnswerProblem] {
        AnswerCheck.problems(of: answer, root, maxBytes: maxBytes)
    }

    /// Checks an answer and brings it into canonical form, under which it is stored and compared. About 1 µs for a
    /// small one.
    public func accept(_ answer: [UInt8], maxBytes: Int = AnswerSchema.answerBytesMax) -> AnswerVerdict {
        let problems = validate(answer, maxBytes: maxBytes)
        guard problems.isEmpty else { return .refused(problems) }
        do {
            let canonical = try CanonicalJSON.canonicalize(answer)
            return .accepted(CanonicalAnswer(canonical: canonical))
        } catch let error as JSONError {
            return .refused([AnswerProblem(path: "", message: error.description)])
        } catch {
            return .refused([AnswerProblem(path: "", message: "the answer cannot be read as JSON")])
        }
    }
}

/// One thing that is wrong with an answer.
public struct AnswerProblem: Sendable, Hashable, CustomStringConvertible {
    /// JSON pointer (RFC 6901) to the place; empty: the answer as a whole.
    public let path: String
    /// What is wrong and what would be right.
    public let message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    public var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

/// Whether an answer counts.
public enum AnswerVerdict: Sendable, Hashable {
    case accepted(CanonicalAnswer)
    /// Never empty; at most `AnswerCheck.problemsMax` problems.
    case refused([AnswerProblem])
}

/// An answer in the one form in which equal answers have equal bytes (RFC 8785).
public struct CanonicalAnswer: Sendable, Hashable {
    public let bytes: [UInt8]
    public let hash: AnswerHash

    /// `bytes` must be canonical already (`CanonicalJSON`).
    public init(canonical bytes: [UInt8]) {
        self.bytes = bytes
        hash = AnswerHash(of: bytes)
    }
}

import Crypto
public import PlimsollModel
import Postgres

/// What an export begins with.
public struct ExportHeading: Sendable, Hashable {
    public let id: Int64
    public let project: String
    public let purpose: String
    /// Labels committed by then are looked at.
    public let cutAt: Moment
    /// Names the key of the pseudonyms without giving it away.
    public let pseudonymKeyID: String
    public let answerSchema: String
}

/// One label as it is given out: no name, no time.
public struct ExportedLabelRow: Sendable, Hashable {
    public let task: TaskID
    public let key: String
    public let kind: String
    public let payload: [UInt8]
    public let slot: Int
    /// A pseudonym of this export.
    public let annotator: String
    public let answer: [UInt8]
    public let acceptedOn: LocalDay
    /// Purpose, notice and version of each agreement the label stands on.
    public let agreements: [String]
    public let policyVersion: Int64
    public let instructionsVersion: Int64
}

/// What an export came to.
public struct ExportTotals: Sendable, Hashable {
    public internal(set) var tasks = 0
    public internal(set) var labels = 0
    public internal(set) var annotators = 0
    /// Labels left out, for want of the purpose or because they were withdrawn: the two are not told apart (P9).
    public internal(set) var excluded = 0
}

/// Names people within one export: HMAC-SHA-256 of the person's number under the export's own key, 16 characters.
struct Pseudonyms: Sendable {
    static let keyBytes = 32
    private static let bytes = 10
    private let key: SymmetricKey

    init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    static func makeKey() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<keyBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// First bytes of the key's hash.
    static func id(of key: [UInt8]) -> String { Array(SHA256.hash(data: key)).prefix(8).hex }

    func name(_ person: PersonID) -> String {
        let number = withUnsafeBytes(of: person.rawValue.bigEndian) { Array($0) }
        let code = HMAC<SHA256>.authenticationCode(for: number, using: key)
        return "p-" + Array(code).prefix(Self.bytes).hex
    }
}

/// What the labels of one provenance stand on, and up to which number of their person they are excluded.
struct ExportStanding: Sendable {
    let person: PersonID
    let agreements: [String]
    let policyVersion: Int64
    let instructionsVersion: Int64
    let excludedUpTo: Int64
    let hasPurpose: Bool
    /// The person's newest exclusion, whether it bears on these labels or not.
    let lastExclusion: Int64

    /// `severityUpTo`: up to where the severity of the label's lane is excluded.
    func admits(_ personN: Int64, severityUpTo: Int64) -> Bool {
        hasPurpose && personN > excludedUpTo && personN > severityUpTo
    }
}

/// What an export holds of one person.
struct ExportedPerson: Sendable, Hashable {
    /// The person's number at the export's snapshot: what the export has seen of labels and exclusions goes up to it.
    var atN: Int64
    var labels: Int64 = 0
    /// How many of them are on record.
    var recorded: Int64 = 0
}

/// What the rows of an export came to, with what is needed to name them again.
struct ExportContents: Sendable {
    var totals = ExportTotals()
    var people: [PersonID: ExportedPerson] = [:]

    /// Those of a piece's people who must be put on record before it leaves, and count as recorded from here on: who is
    /// new, and whose number has doubled. Not with every piece: the export's own snapshot keeps each version of a row.
    mutating func due(of piece: Set<PersonID>) -> [PersonID: ExportedPerson] {
        var due: [PersonID: ExportedPerson] = [:]
        for person in piece {
            guard var held = people[person], held.labels >= 2 * held.recorded else { continue }
            held.recorded = held.labels
            people[person] = held
            due[person] = held
        }
        return due
    }

    /// Of whom the record does not say the last number yet.
    var unrecorded: [PersonID: ExportedPerson] { people.filter { $0.value.labels > $0.value.recorded } }
}

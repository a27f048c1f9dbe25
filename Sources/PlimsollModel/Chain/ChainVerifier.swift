/// Verifies a chain link by link, in memory that grows with nothing but the details that are gone, from nothing but
/// what is given to it: it asks no coordinator and no database whether all is well (P11).
///
/// First the heads up to a place (``expect(_:)``, ``expectWitness(_:line:)``), then the links up to it (``add(_:)``),
/// and so on to the end; then ``endOfLinks()``, heads beyond it if there are any, and ``finish(_:)``. A fault does not
/// end it: what comes after is compared with what is there.
public struct ChainVerifier: Sendable {
    /// Nil: a coordinator of the deployment signed the head. Else why not.
    public typealias SignatureCheck = @Sendable (SignedHead) -> String?

    /// Faults that are kept; of more only the number.
    public static let faultsMax = 20

    /// In the order in which they were found, which is that of the chain.
    public private(set) var faults: [ChainFault] = []
    public private(set) var faultCount = 0
    public private(set) var events: Int64 = 0
    public private(set) var erased: Int64 = 0
    /// Details that whoever handed the chain out kept back and compared itself.
    public private(set) var withheld: Int64 = 0
    public private(set) var heads: Int64 = 0
    /// Heads of the head file that the chain was compared with.
    public private(set) var witnesses: Int64 = 0
    /// The place of the last head that is in order.
    public private(set) var lastSigned: Int64 = 0
    public private(set) var lastSignedAt: Moment?

    private let check: SignatureCheck
    private var last = (seq: Int64(0), hash: ChainLink.genesis)
    private var expected = Queue<SignedHead>()
    private var witnessed = Queue<(head: SignedHead, line: Int)>()
    private var isEnded = false
    private var lastWitness: (head: SignedHead, line: Int)?
    /// Places whose details are gone, by their events; those that an erasure names are taken out.
    private var missing: [Int64: Int64] = [:]

    public init(check: @escaping SignatureCheck) { self.check = check }

    /// The member of an erasure's detail with the numbers of the events whose details it took.
    public static let erasedEvents = "events"
    /// What an erasure is on the chain.
    private static let erasure = "person.erased"

    /// The place up to which links were given.
    public var lastLink: Int64 { last.seq }

    /// A head of the database, in order of the places.
    public mutating func expect(_ head: SignedHead) {
        guard isEnded else { return expected.append(head) }
        heads += 1
        note(
            ChainFault(
                .truncated, seq: head.head.seq,
                "the database has a head for link \(head.head.seq), and its chain ends at link \(last.seq)"))
    }

    /// A head from outside the database, as line `line` of a file has it. The same head twice is no fault.
    public mutating func expectWitness(_ head: SignedHead, line: Int) {
        if let before = lastWitness, head.head.seq <= before.head.head.seq {
            if head.head.seq == before.head.head.seq, head.head.hash != before.head.head.hash {
                note(
                    ChainFault(
                        .forked, seq: head.head.seq,
                        "lines \(before.line) and \(line) of the head file have different hashes for head "
                            + "\(head.head.seq)"))
            } else if head.head.seq < before.head.head.seq {
                note(
                    ChainFault(
                        .headFile, seq: head.head.seq,
                        "line \(line) of the head file goes back from head \(before.head.head.seq) to "
                            + "\(head.head.seq)"))
            }
            return
        }
        lastWitness = (head, line)
        guard isEnded else { return witnessed.append((head, line)) }
        witnesses += 1
        note(
            ChainFault(
                .truncated, seq: head.head.seq,
                "the head file has a head for link \(head.head.seq), and the chain ends at link \(last.seq)"))
    }

    /// A line of the head file that is no head.
    public mutating func noteUnreadableWitness(line: Int) {
        note(ChainFault(.headFile, "line \(line) of the head file is no signed head"))
    }

    /// The next link.
    public mutating func add(_ entry: ChainEntry) {
        events += 1
        var isWhole = true
        if entry.seq > last.seq + 1 {
            let gone =
                last.seq + 1 == entry.seq - 1
                ? "link \(entry.seq - 1) is" : "links \(last.seq + 1) to \(entry.seq - 1) are"
            note(ChainFault(.deleted, seq: last.seq + 1, "\(gone) gone"))
            compareHeads(upTo: entry.seq - 1, hash: nil)
        } else if entry.previous != last.hash {
            isWhole = false
            note(
                ChainFault(
                    .reordered, seq: entry.seq, event: entry.eventID,
                    "link \(entry.seq) does not follow link \(last.seq)"))
        }
        verifyEvent(entry, isWhole: isWhole)
        verifyDetail(entry)
        last = (entry.seq, entry.hash)
        compareHeads(upTo: entry.seq, hash: entry.hash)
    }

    /// No more links come: every head for a later place is one that the chain no longer reaches.
    public mutating func endOfLinks() {
        isEnded = true
        for head in expected.drain() { expect(head) }
        let rest = witnessed.drain()
        lastWitness = nil
        for head in rest { expectWitness(head.head, line: head.line) }
    }

    /// Events whose details an erasure took that no link names yet.
    public mutating func excuse(_ events: some Sequence<Int64>) {
        for event in events { missing[event] = nil }
    }

    /// What the database says of events that no link names, and which details are gone though nobody erased them.
    public mutating func finish(_ end: ChainEnd) {
        for (event, seq) in missing.sorted(by: { $0.value < $1.value }) {
            note(
                ChainFault(
                    .deleted, seq: seq, event: event,
                    "the detail of event \(event) is gone, and no erasure took it"))
        }
        if let event = end.unchained {
            note(
                ChainFault(
                    .unchained, event: event, "event \(event) has no link and is not marked as waiting for one"))
        }
        if let event = end.lost {
            note(ChainFault(.deleted, event: event, "event \(event) was deleted before it was sealed"))
        }
        // What a line of the head file says of itself was found before the links that it is about.
        faults.sort { ($0.seq ?? .max) < ($1.seq ?? .max) }
    }

    private mutating func verifyEvent(_ entry: ChainEntry, isWhole: Bool) {
        guard let leaf = entry.leaf else {
            note(
                ChainFault(
                    .deleted, seq: entry.seq, event: entry.eventID,
                    "event \(entry.eventID), which link \(entry.seq) names, is gone"))
            return
        }
        // A link that was moved has the hash of its old place.
        guard isWhole else { return }
        let link = ChainLink(seq: entry.seq, previous: entry.previous, leaf: leaf)
        guard link.hash != entry.hash else { return }
        note(
            ChainFault(
                .edited, seq: entry.seq, event: entry.eventID,
                "event \(entry.eventID), or link \(entry.seq), was changed after it was sealed (time, kind, hash or "
                    + "number)"))
    }

    private mutating func verifyDetail(_ entry: ChainEntry) {
        let isOriginal: Bool
        switch entry.detail {
        case .erased:
            erased += 1
            if entry.leaf != nil { missing[entry.eventID] = entry.seq }
            return
        case .withheld(let matches):
            withheld += 1
            isOriginal = matches
        case .here(let detail):
            guard let event = entry.event else { return }
            isOriginal = detail.isDetail(of: event)
            if isOriginal, event.kind == Self.erasure { forgive(detail) }
        }
        guard !isOriginal else { return verifyDocument(entry) }
        guard entry.leaf != nil else { return }
        note(
            ChainFault(
                .edited, seq: entry.seq, event: entry.eventID,
                "the detail of event \(entry.eventID) is not the one that was written with it"))
    }

    /// What an erasure took was there before it.
    private mutating func forgive(_ erasure: ChainDetail) {
        // What cannot be read excuses nothing.
        guard let object = try? JSONValue.parse(erasure.text) else { return }
        if let events = object[Self.erasedEvents]?.arrayValue {
            excuse(events.compactMap { $0.numberValue?.int64 })
        } else {
            // Written before erasures named what they took: which they were nobody can tell any more.
            missing = [:]
        }
    }

    private mutating func verifyDocument(_ entry: ChainEntry) {
        guard let document = entry.document, document.hash != entry.documentHash else { return }
        note(
            ChainFault(
                entry.documentHash == nil ? .deleted : .edited, seq: entry.seq, event: entry.eventID,
                entry.documentHash == nil
                    ? "\(document.name) is gone" : "\(document.name) is not what event \(entry.eventID) recorded"))
    }

    /// Compares the heads up to a place with its hash; `hash` nil: those places are gone.
    private mutating func compareHeads(upTo seq: Int64, hash: [UInt8]?) {
        var own: SignedHead?
        while let head = expected.first, head.head.seq <= seq {
            expected.removeFirst()
            heads += 1
            own = head
            guard let hash, head.head.seq == seq else { continue }
            verify(head, hash)
        }
        while let head = witnessed.first?.head, head.head.seq <= seq {
            witnessed.removeFirst()
            witnesses += 1
            guard let hash, head.head.seq == seq else { continue }
            if head.head.hash != hash {
                note(
                    ChainFault(
                        .forked, seq: seq,
                        "the head file and the chain have different hashes for link \(seq)"
                            + (check(head).map { "; the file's head is not in order either: \($0)" } ?? "")))
            } else if own?.head.seq != seq {
                note(
                    ChainFault(
                        .deleted, seq: seq, "head \(seq), which the head file has, is gone from the database"))
            }
        }
    }

    private mutating func verify(_ head: SignedHead, _ hash: [UInt8]) {
        let seq = head.head.seq
        if let why = check(head) {
            note(ChainFault(.unsigned, seq: seq, "head \(seq) is not in order: \(why)"))
        } else if head.head.hash != hash {
            note(
                ChainFault(
                    .forked, seq: seq, "head \(seq) was signed for another chain than the one that is there"))
        } else {
            lastSigned = seq
            lastSignedAt = head.head.at
        }
    }

    private mutating func note(_ fault: ChainFault) {
        faultCount += 1
        if faults.count < Self.faultsMax { faults.append(fault) }
    }
}

/// First in, first out; what was taken is given back in blocks.
private struct Queue<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var start = 0

    var first: Element? { start < elements.count ? elements[start] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        start += 1
        if start == elements.count {
            elements.removeAll(keepingCapacity: true)
            start = 0
        }
    }

    mutating func drain() -> ArraySlice<Element> {
        defer {
            elements = []
            start = 0
        }
        return elements[start...]
    }
}

import PlimsollModel
import Testing

/// A chain in memory, and a signature that is the text itself: what the verifier makes of each way to change one.
private struct TestChain {
    var entries: [ChainEntry] = []
    var heads: [SignedHead] = []

    init(_ count: Int, headEvery: Int = 5, from first: Int64 = 0) {
        for number in 1...count {
            add(Int64(number), value: "v\(Int64(number) + first)")
            if number.isMultiple(of: headEvery) { sign() }
        }
    }

    mutating func add(_ number: Int64, value: String) {
        add(number, "policy.applied", #","value":"\#(value)""#)
    }

    /// An erasure that took the details of these events; nil: one of a build that did not say so.
    mutating func addErasure(_ number: Int64, of events: [Int64]?) {
        add(number, "person.erased", events.map { #","events":\#($0)"# } ?? "")
    }

    private mutating func add(_ number: Int64, _ kind: String, _ members: String) {
        let detail = ChainDetail(
            salt: Array(repeating: UInt8(truncatingIfNeeded: number), count: 16), actor: "olu",
            text: Array(#"{"actor":"olu"\#(members)}"#.utf8))
        let event = ChainedEvent(
            id: number * 3, at: Moment(seconds: 1_700_000_000 + number), kind: kind,
            hash: ChainedEvent.hash(salt: detail.salt, detail: detail.text))
        let previous = entries.last?.hash ?? ChainLink.genesis
        let link = ChainLink(seq: Int64(entries.count) + 1, previous: previous, leaf: event.leaf)
        entries.append(
            ChainEntry(
                seq: link.seq, eventID: event.id, previous: previous, hash: link.hash, event: event,
                detail: .here(detail)))
    }

    mutating func sign() {
        guard let last = entries.last else { return }
        let head = ChainHead(seq: last.seq, hash: last.hash, at: Moment(seconds: 1_700_000_100))
        heads.append(SignedHead(head: head, signature: CoordinatorSignature(signature: head.text, certificate: [1])))
    }

    func verify(
        witnesses: [SignedHead] = [], end: ChainEnd? = nil, page: Int = 4
    ) -> ChainVerifier {
        var verifier = ChainVerifier { $0.signature.signature == $0.head.text ? nil : "not signed" }
        var heads = heads[...]
        var rest = Array(witnesses.enumerated())[...]
        func give(upTo seq: Int64) {
            while let head = heads.first, head.head.seq <= seq { verifier.expect(heads.removeFirst()) }
            while let next = rest.first, next.element.head.seq <= seq {
                rest.removeFirst()
                verifier.expectWitness(next.element, line: next.offset + 1)
            }
        }
        for start in stride(from: 0, to: entries.count, by: page) {
            let some = entries[start..<min(start + page, entries.count)]
            give(upTo: some.map(\.seq).max() ?? 0)
            for entry in some { verifier.add(entry) }
        }
        verifier.endOfLinks()
        give(upTo: .max)
        verifier.finish(end ?? ChainEnd(lastLink: entries.last?.seq ?? 0))
        return verifier
    }
}

/// What the verifier finds of a chain that is whole, and of every way to change one (P11).
@Suite struct ChainTests {
    @Test func `what is hashed and signed is text that anybody can write`() {
        let event = ChainedEvent(id: 7, at: Moment(microseconds: -5), kind: "consent.given", hash: [0, 255])
        // printf 'plimsoll chain event 1\nevent 7\nat -5\nhash 00ff\nkind consent.given\n' | sha256sum
        #expect(Hex.text(event.leaf) == "2a721a59bfb7beb85df0406fac77a6269d2ea90e4077d5bf9fc84f64db9307bd")
        let link = ChainLink(seq: 1, previous: ChainLink.genesis, leaf: event.leaf)
        #expect(Hex.text(link.hash) == "a4a16898c737c622ebb57a92996c04de8201419c8fc3f1d53910e0fac9ca0c61")
        let head = ChainHead(seq: 9_007_199_254_740_993, hash: [1, 2], at: Moment(microseconds: 1_000_001))
        #expect(
            String(decoding: head.text, as: UTF8.self)
                == "plimsoll chain head 1\nseq 9007199254740993\nat 1000001\nhash 0102\n")
        #expect(Hex.bytes("00ffa0") == [0, 255, 160])
        for bad in ["0", "0g", "FF", " 0"] { #expect(Hex.bytes(bad) == nil, "\(bad)") }
    }

    @Test func `an untouched chain is whole, in pages of any size`() {
        let chain = TestChain(23)
        for page in [1, 4, 5, 100] {
            let verifier = chain.verify(witnesses: chain.heads, page: page)
            #expect(verifier.faults.isEmpty)
            #expect(verifier.events == 23 && verifier.heads == 4 && verifier.witnesses == 4)
            #expect(verifier.lastSigned == 20 && verifier.lastLink == 23)
        }
        // The same head twice, as when two coordinators share a file, and a file that begins late.
        #expect(chain.verify(witnesses: chain.heads.flatMap { [$0, $0] }).faults.isEmpty)
        #expect(chain.verify(witnesses: Array(chain.heads.suffix(2))).faults.isEmpty)
        let empty = ChainVerifier { _ in nil }
        #expect(empty.faults.isEmpty && empty.lastLink == 0)
    }

    @Test func `a detail that is gone was deleted unless an erasure after it names it`() throws {
        var chain = TestChain(6)
        chain.entries[2].detail = .erased
        let deleted = ChainFault(.deleted, seq: 3, event: 9, "the detail of event 9 is gone, and no erasure took it")
        #expect(try only(chain.verify()) == deleted)
        for events in [[], [6, 12]] as [[Int64]] {
            var other = chain
            other.addErasure(7, of: events)
            #expect(try only(other.verify()) == deleted)
        }
        var named = chain
        named.addErasure(7, of: [9])
        #expect(named.verify().faults.isEmpty && named.verify().erased == 1)
        // What comes after it was not there to be taken, whatever it says.
        named.addErasure(8, of: [30])
        named.add(10, value: "later")
        named.entries[8].detail = .erased
        #expect(try only(named.verify()).event == 30)
        // An erasure whose words were changed excuses nothing.
        var forged = chain
        forged.addErasure(7, of: [])
        guard case .here(var detail) = forged.entries[6].detail else { return }
        detail.text = Array(#"{"actor":"olu","events":[9]}"#.utf8)
        forged.entries[6].detail = .here(detail)
        #expect(forged.verify().faults.map(\.kind) == [.deleted, .edited])
        // One that has no link yet is told of beside the chain.
        var verifier = ChainVerifier { _ in nil }
        for entry in chain.entries { verifier.add(entry) }
        verifier.excuse([9])
        verifier.endOfLinks()
        verifier.finish(ChainEnd(lastLink: 6))
        #expect(verifier.faults.isEmpty)
        // Before erasures said what they took, it cannot be told.
        var old = chain
        old.addErasure(7, of: nil)
        #expect(old.verify().faults.isEmpty)
    }

    @Test func `an event that is kept back is verified by its leaf`() throws {
        var chain = TestChain(6)
        let leaf = try #require(chain.entries[3].event?.leaf)
        chain.entries[3].event = nil
        chain.entries[3].withheldLeaf = leaf
        chain.entries[3].detail = .withheld(matches: true)
        let verifier = chain.verify()
        #expect(verifier.faults.isEmpty && verifier.withheld == 1)
        for edit in [
            { $0.withheldLeaf = [1] }, { $0.detail = .withheld(matches: false) },
        ] as [(inout ChainEntry) -> Void] {
            var edited = chain
            edit(&edited.entries[3])
            let fault = try only(edited.verify())
            #expect(fault.kind == .edited && fault.seq == 4)
        }
    }

    private func only(_ verifier: ChainVerifier) throws -> ChainFault {
        #expect(verifier.faultCount == 1, "\(verifier.faults)")
        return try #require(verifier.faults.first)
    }

    @Test func `an edit of any part is found at its place`() throws {
        let chain = TestChain(10)
        let edits: [(inout ChainEntry) -> Void] = [
            { $0.event?.kind = "policy.applies" },
            { $0.event?.at = Moment(seconds: 5) },
            { $0.event?.id = 4 },
            { entry in
                // With a new detail and the hash that fits it: the link does not fit.
                let detail = ChainDetail(salt: [1], actor: "olu", text: Array(#"{"actor":"olu"}"#.utf8))
                entry.detail = .here(detail)
                entry.event?.hash = ChainedEvent.hash(salt: detail.salt, detail: detail.text)
            },
            { $0.detail = .here(ChainDetail(salt: [1], actor: "olu", text: Array(#"{"actor":"olu"}"#.utf8))) },
            { entry in
                guard case .here(var detail) = entry.detail else { return }
                detail.actor = "ann"
                entry.detail = .here(detail)
            },
            { $0.detail = .withheld(matches: false) },
        ]
        for (number, edit) in edits.enumerated() {
            var edited = chain
            edit(&edited.entries[6])
            let fault = try only(edited.verify())
            #expect(fault.kind == .edited && fault.seq == 7, "edit \(number): \(fault)")
        }
    }

    @Test func `what is gone is named`() throws {
        let chain = TestChain(10)
        var lacking = chain
        lacking.entries[4].event = nil
        #expect(
            try only(lacking.verify()) == .init(.deleted, seq: 5, event: 15, "event 15, which link 5 names, is gone"))
        lacking = chain
        lacking.entries.removeSubrange(5...6)
        #expect(try only(lacking.verify()) == .init(.deleted, seq: 6, "links 6 to 7 are gone"))
        lacking = chain
        lacking.heads.removeFirst()
        #expect(lacking.verify().faults.isEmpty)
        #expect(try only(lacking.verify(witnesses: chain.heads)).kind == .deleted)
        let end = ChainEnd(lastLink: 10, unchained: 77)
        #expect(
            try only(chain.verify(end: end))
                == .init(
                    .unchained, event: 77, "event 77 has no link and is not marked as waiting for one"))
        #expect(try only(chain.verify(end: ChainEnd(lastLink: 10, lost: 78))).kind == .deleted)
    }

    @Test func `links that changed places are found at the first of them`() throws {
        var chain = TestChain(10)
        chain.entries.swapAt(5, 6)
        chain.entries[5].seq = 6
        chain.entries[6].seq = 7
        let faults = chain.verify().faults
        #expect(faults.first?.kind == .reordered && faults.first?.seq == 6, "\(faults)")
    }

    @Test func `an end that was cut off is known from a head beyond it`() throws {
        let whole = TestChain(12)
        var cut = whole
        cut.entries.removeLast(4)
        #expect(try only(cut.verify()).kind == .truncated)
        // Together with its heads it looks whole, unless a head has left the database.
        cut.heads.removeLast()
        #expect(cut.verify().faults.isEmpty)
        let fault = try only(cut.verify(witnesses: whole.heads))
        #expect(fault.kind == .truncated && fault.seq == 10)
    }

    @Test func `two chains that begin alike are told apart by their heads`() throws {
        let one = TestChain(7)
        var other = one
        var mine = one
        for number in 8...12 as ClosedRange<Int64> {
            mine.add(number, value: "mine")
            other.add(number, value: "theirs")
        }
        mine.sign()
        other.sign()
        #expect(mine.verify(witnesses: mine.heads).faults.isEmpty)
        let fault = try only(mine.verify(witnesses: other.heads))
        #expect(fault.kind == .forked && fault.seq == 12, "\(fault)")
        // Both in one file.
        #expect(mine.verify(witnesses: mine.heads + [other.heads[1]]).faults.map(\.kind) == [.forked])
        // The chain written anew from an event on, and its old heads left.
        var rewritten = other
        rewritten.heads = mine.heads
        #expect(try only(rewritten.verify()).kind == .forked)
    }

    @Test func `a head that no coordinator signed is named`() throws {
        var chain = TestChain(10)
        chain.heads[1].signature.signature[30] ^= 1
        let fault = try only(chain.verify())
        #expect(fault.kind == .unsigned && fault.seq == 10)
    }

    @Test func `a head file that goes back or holds something else is named`() throws {
        let chain = TestChain(10)
        let back = chain.verify(witnesses: [chain.heads[1], chain.heads[0]])
        #expect(back.faults.contains { $0.kind == .headFile }, "\(back.faults)")
        var verifier = ChainVerifier { _ in nil }
        verifier.noteUnreadableWitness(line: 3)
        #expect(try only(verifier).finding == "line 3 of the head file is no signed head")
    }

    @Test func `of very many faults the first are kept and all are counted`() {
        var chain = TestChain(200)
        for index in chain.entries.indices { chain.entries[index].event?.kind = "x" }
        let verifier = chain.verify()
        #expect(verifier.faultCount == 200 && verifier.faults.count == ChainVerifier.faultsMax)
        #expect(verifier.faults.first?.seq == 1)
    }

    @Test func `a signed head survives being written down`() throws {
        let head = TestChain(5).heads[0]
        let read = try JSONValue.parse(head.json.encode())
        #expect(SignedHead(json: read) == head)
        #expect(SignedHead(json: ["plimsoll_chain_head": 2]) == nil && SignedHead(json: 5) == nil)
    }
}

@Suite struct InclusionProofTests {
    private func proof(_ chain: TestChain, _ index: Int) throws -> InclusionProof {
        let entry = chain.entries[index]
        guard case .here(let detail) = entry.detail else { throw CancellationError() }
        let head = try #require(chain.heads.first { $0.head.seq >= entry.seq })
        return InclusionProof(
            event: try #require(entry.event), detail: detail, seq: entry.seq, previous: entry.previous,
            leaves: chain.entries[index + 1..<Int(head.head.seq)].compactMap { $0.event?.leaf }, head: head)
    }

    @Test func `a proof holds for every event up to a head, and for no other`() throws {
        let chain = TestChain(10)
        let check: (SignedHead) -> String? = { $0.signature.signature == $0.head.text ? nil : "not signed" }
        for index in 0..<10 {
            let proof = try proof(chain, index)
            #expect(proof.fault(check) == nil)
            #expect(InclusionProof(json: try JSONValue.parse(proof.json.encode())) == proof)
        }
        let good = try proof(chain, 2)
        let changes: [(inout InclusionProof) -> Void] = [
            { $0.event.at = Moment(seconds: 1) }, { $0.event.kind = "a" }, { $0.detail.text[12] ^= 1 },
            { $0.detail.actor = "ann" }, { $0.seq += 1 }, { $0.previous[0] ^= 1 }, { $0.leaves[0][0] ^= 1 },
            { $0.leaves.removeLast() }, { $0.leaves.swapAt(0, 1) }, { $0.head.head.hash[0] ^= 1 },
            { $0.head.signature.signature[0] ^= 1 },
        ]
        for (number, change) in changes.enumerated() {
            var changed = good
            change(&changed)
            #expect(changed.fault(check) != nil, "change \(number)")
        }
    }
}

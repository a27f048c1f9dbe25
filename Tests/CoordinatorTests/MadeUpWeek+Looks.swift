import Coordinator
import Ledger
import PlimsollModel
import TestSupport
import Testing

/// Looks before and after something that one person did.
extension MadeUpWeek {
    private static let ways: [[Deed.What]] = [
        [.take, .park], [.take, .answer, .take, .release], [.take, .decline], [.answer], [.release],
    ]

    /// 2. Where few are at work, whatever one of them does in this hour is not to be seen, here and in other projects.
    mutating func fewAtWorkDoNotShow(_ look: Look, _ random: inout SplitMix64, _ seed: UInt64) async throws {
        var before = look
        for (project, members) in people.sorted(by: { $0.key < $1.key }) {
            guard before.statuses[project]?.isCoarse == true, let person = members.randomElement(using: &random) else {
                continue
            }
            let way = Self.ways.randomElement(using: &random) ?? []
            for what in way { try await act(person, project, what) }
            let after = try await self.look()
            // One more may be the fifth, and then enough are at work to be shown.
            if after.statuses[project]?.isCoarse == true {
                for other in people.keys {
                    #expect(
                        after.text(of: other) == before.text(of: other),
                        "seed \(seed): \(other) shows that \(person) did \(way) in \(project)")
                }
                for (name, word) in after.words where name != person { #expect(word == before.words[name]) }
                #expect(after.common == before.common, "seed \(seed): \(person) did \(way) in \(project)")
            }
            before = after
        }
    }

    /// 1. With nothing leased and nobody connected, one person after the other comes into a state. What a withdrawal
    /// brings about later is looked at by `TracesTests`.
    mutating func statesDoNotShow(_ seed: UInt64) async throws {
        try await dropHeld()
        try await connect([:])
        let states = PersonState.allCases.filter { $0 != .openLeases }
        var before = try await look()
        var said: [String: [[WaitingReason]]] = [:]
        for (index, person) in (people["big"] ?? []).enumerated() {
            // Two causes for each, one after the other: the second is the same word.
            for state in [states[(index * 2) % states.count], states[(index * 2 + 1) % states.count]] {
                let was = before.words[person] ?? false
                try await deployment.bring(person, into: state)
                let after = try await look()
                #expect(after.words[person] == false, "seed \(seed): \(person) after \(state)")
                for project in people.keys {
                    #expect(
                        after.text(of: project) == before.text(of: project),
                        "seed \(seed): \(project) shows that \(person) came into \(state)")
                    if !was { #expect(after.statuses[project] == before.statuses[project], "seed \(seed): \(state)") }
                    let available = (people[project] ?? []).count { after.words[$0] == true }
                    said["\(project) \(available)", default: []].append(after.statuses[project]?.reasons ?? [])
                }
                for (name, word) in after.words where name != person { #expect(word == before.words[name]) }
                if !was { #expect(after == before, "seed \(seed): \(state) is told from another cause") }
                #expect(after.common == before.common, "seed \(seed): \(state)")
                before = after
            }
        }
        // The same words, the same reasons, to the letter.
        for (words, reasons) in said { #expect(Set(reasons).count == 1, "seed \(seed): \(words)") }
    }
}

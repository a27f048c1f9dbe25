import Foundation
import Synchronization

/// A person's word that is not on the record yet, kept beside their identity: workers of that identity stop at it
/// without asking anybody.
struct WithdrawalMark: Sendable {
    /// The identity's folder.
    let directory: URL

    private static let prefix = "withdrawing-"
    /// How long a worker takes to see it.
    static let lookEvery = Duration.seconds(1)

    func set(_ purpose: String) throws {
        guard let file = file(purpose) else { return }
        try Data().write(to: file)
    }

    /// The word is on the record, or turned out to be about nothing.
    func clear(_ purpose: String) {
        // Where there is none, nothing waits.
        if let file = file(purpose) { try? FileManager.default.removeItem(at: file) }
    }

    /// Purposes that wait to be recorded, by name.
    func pending() -> [String] {
        // A folder that cannot be read has no identity in it either, which is said elsewhere.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false))) ?? []
        return names.filter { $0.hasPrefix(Self.prefix) }.map { String($0.dropFirst(Self.prefix.count)) }.sorted()
    }

    /// Returns the first purpose that waits, as soon as there is one; nil when cancelled. Those of `own` are seen to by
    /// this process itself.
    func firstPending(besides own: OwnWithdrawals = OwnWithdrawals()) async -> String? {
        while !Task.isCancelled {
            if let purpose = pending().first(where: { !own.pending.contains($0) }) { return purpose }
            // Throws only when cancelled, which the loop sees by itself.
            try? await Task.sleep(for: Self.lookEvery)
        }
        return nil
    }

    /// nil: no name that a purpose can have, so that nothing is written outside of the folder.
    private func file(_ purpose: String) -> URL? {
        let isName =
            !purpose.isEmpty && purpose.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        return isName ? directory.appending(path: Self.prefix + purpose) : nil
    }
}

/// Withdrawals that were said at this process's own screen and are not on the record yet.
final class OwnWithdrawals: Sendable {
    private let purposes = Mutex(Set<String>())

    var pending: Set<String> { purposes.withLock { $0 } }
    func begin(_ purpose: String) { purposes.withLock { _ = $0.insert(purpose) } }
    func end(_ purpose: String) { purposes.withLock { _ = $0.remove(purpose) } }
}

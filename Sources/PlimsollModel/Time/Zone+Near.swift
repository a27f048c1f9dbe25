import Foundation

extension Zone {
    /// Names of the database that somebody may have meant: those with the same place in another spelling first, then
    /// those that differ by few letters. At most `count`.
    public static func near(_ name: String, count: Int = 3) -> [String] {
        let wanted = Array(folded(name))
        guard (1...nameMax).contains(wanted.count) else { return [] }
        let place = folded(name).split(separator: "/").last.map(Array.init) ?? wanted
        let ranked = TimeZone.knownTimeZoneIdentifiers.compactMap { known -> (distance: Int, name: String)? in
            let whole = Array(folded(known))
            let last = folded(known).split(separator: "/").last.map(Array.init) ?? whole
            if last == place { return (0, known) }
            let distance = min(self.distance(wanted, whole), self.distance(place, last) + 1)
            return distance <= max(2, place.count / 3) ? (distance, known) : nil
        }
        return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(count).map(\.name)
    }

    private static let nameMax = 64

    private static func folded(_ name: String) -> String {
        name.lowercased().replacing(" ", with: "_")
    }

    /// Letters to change, add or drop (Levenshtein), with one row of memory.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var corner = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let substituted = corner + (letter == other ? 0 : 1)
                corner = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, corner + 1)
            }
        }
        return row[right.count]
    }
}

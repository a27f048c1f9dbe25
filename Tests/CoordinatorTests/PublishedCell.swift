import PlimsollModel
import TestSupport

/// Some of the things that happened in a made-up deployment, by number.
struct DeedSet: Sendable, Hashable {
    /// Without trailing zeros, so that equal sets are equal.
    private(set) var words: [UInt64] = []

    init(_ numbers: some Sequence<Int> = [Int]()) {
        for number in numbers {
            while words.count <= number / 64 { words.append(0) }
            words[number / 64] |= 1 << UInt64(number % 64)
        }
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    func word(_ index: Int) -> UInt64 { index < words.count ? words[index] : 0 }
}

/// One published count or sum, and which of the things that happened it is made of.
struct PublishedCell: Sendable, CustomStringConvertible {
    /// What is counted is its worth: of two cells with the same basis one is enough.
    struct Basis: Sendable, Hashable {
        var plus: DeedSet
        var minus = DeedSet()
        /// Whether it tells more than is told of everybody. Counts of tasks are, by whole hours, however few did them
        /// (design, section 9). So a cell of work is sharp where it begins or ends within an hour in which too few were
        /// at work for anybody to hide among them; one of agreements and wellbeing always is.
        var isSharp: Bool
    }

    let view: SupervisorView
    /// Nil: of the deployment.
    let project: String?
    let figure: String
    let at: Moment
    let value: Int
    let basis: Basis

    var description: String { "\(view) \(project ?? "all") \(figure) at \(at.rfc3339): \(value)" }
    /// It is what its basis says, no more and no less.
    var isTrue: Bool { value == basis.plus.count - basis.minus.count }
}

/// Holds every two cells against each other: their difference and their sum, and each against nothing at all. What two
/// cells differ by must be of nobody or of at least k people; of fewer only where neither of the two is sharp.
///
/// By bits, so that the cells of a week are tried in less than a second.
struct PairCheck {
    /// Of each thing that happened, by whom: a number a person.
    let people: [Int]
    let k: Int

    struct Finding: Sendable, CustomStringConvertible {
        let first: PublishedCell
        /// Nil: the first by itself.
        let second: PublishedCell?
        let people: Int

        var description: String {
            "\(first) against \(second?.description ?? "nothing") is of \(people) people"
        }
    }

    /// All pairs that tell of fewer than k, at most `most` of them.
    func findings(_ cells: [PublishedCell], most: Int = 10) -> [Finding] {
        var seen: Set<PublishedCell.Basis> = []
        let distinct = cells.filter { seen.insert($0.basis).inserted }
        var found: [Finding] = []
        let nothing = PublishedCell.Basis(plus: DeedSet(), isSharp: false)
        for (index, first) in distinct.enumerated() {
            func hold(against second: PublishedCell?) {
                let other = second?.basis ?? nothing
                guard found.count < most, first.basis.isSharp || other.isSharp else { return }
                for isSum in [false, true] {
                    let few = behind(first.basis, other, isSum: isSum)
                    guard few > 0, few < k else { continue }
                    return found.append(Finding(first: first, second: second, people: few))
                }
            }
            hold(against: nil)
            for second in distinct[..<index] { hold(against: second) }
        }
        return found
    }

    /// How many people did what the difference or the sum of two cells is made of, counted no further than k.
    private func behind(_ a: PublishedCell.Basis, _ b: PublishedCell.Basis, isSum: Bool) -> Int {
        let (plus, minus) = isSum ? (b.minus, b.plus) : (b.plus, b.minus)
        let words = max(a.plus.words.count, a.minus.words.count, plus.words.count, minus.words.count)
        var found: [Int] = []
        for index in 0..<words {
            var left = (a.plus.word(index) ^ plus.word(index)) | (a.minus.word(index) ^ minus.word(index))
            while left != 0 {
                let person = people[index * 64 + left.trailingZeroBitCount]
                if !found.contains(person) { found.append(person) }
                if found.count >= k { return k }
                left &= left - 1
            }
        }
        return found.count
    }
}

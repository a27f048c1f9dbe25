import TestSupport

extension SplitMix64 {
    /// A generator of its own for each part of a run.
    init(seed: UInt64, _ parts: UInt64...) {
        var mixer = SplitMix64(seed: seed)
        var value = mixer.next()
        for part in parts {
            mixer = SplitMix64(seed: value ^ part &* 0xD6E8_FEB8_6659_FD93)
            value = mixer.next()
        }
        self.init(seed: value)
    }

    /// 0 ..< `count`; the bias of the remainder does not matter here.
    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// One of those by weight.
    mutating func pick<Element>(weighted elements: [(Element, Int)]) -> Element? {
        var left = below(elements.reduce(0) { $0 + $1.1 })
        for (element, weight) in elements {
            left -= weight
            if left < 0 { return element }
        }
        return elements.last?.0
    }
}

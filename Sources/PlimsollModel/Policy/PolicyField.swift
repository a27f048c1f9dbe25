/// One line of a policy document: its key, what may stand there, and the property it fills.
///
/// Parser, writer and JSON Schema all read the tables of these, so they cannot drift apart.
struct PolicyField<Root: Sendable>: Sendable {
    enum Kind: Sendable {
        /// A whole number in this range.
        case count(ClosedRange<Int>)
        /// A duration in this range.
        case duration(ClosedRange<Duration>)
        /// Local hours such as 20:00-08:00.
        case hours
    }

    enum Value: Sendable, Hashable {
        case none
        case count(Int)
        case duration(Duration)
        case hours(QuietHours)
    }

    let key: String
    let kind: Kind
    /// Whether `none` may stand there.
    let mayBeNone: Bool
    /// What `none` meant to earlier builds where it may stand no more: their documents stay readable. Nil: nothing of
    /// the kind.
    var meantByNone: Value?
    /// For the schema: what the limit is.
    let note: String
    let read: @Sendable (Root) -> Value
    let write: @Sendable (inout Root, Value) -> Void

    static func count(
        _ key: String, _ path: any WritableKeyPath<Root, Int?> & Sendable, _ range: ClosedRange<Int>, _ note: String
    ) -> PolicyField {
        PolicyField(key: key, kind: .count(range), mayBeNone: true, note: note) {
            $0[keyPath: path].map { .count($0) } ?? .none
        } write: { root, value in
            if case .count(let count) = value { root[keyPath: path] = count } else { root[keyPath: path] = nil }
        }
    }

    static func must(
        _ key: String, _ path: any WritableKeyPath<Root, Int> & Sendable, _ range: ClosedRange<Int>, _ note: String
    ) -> PolicyField {
        PolicyField(key: key, kind: .count(range), mayBeNone: false, note: note) {
            .count($0[keyPath: path])
        } write: { root, value in
            if case .count(let count) = value { root[keyPath: path] = count }
        }
    }

    static func duration(
        _ key: String, _ path: any WritableKeyPath<Root, Duration?> & Sendable, from least: Duration = .zero,
        mayBeNone: Bool = true, meantByNone: Duration? = nil, _ note: String
    ) -> PolicyField {
        PolicyField(
            key: key, kind: .duration(least...DurationText.longest), mayBeNone: mayBeNone,
            meantByNone: meantByNone.map { .duration($0) }, note: note
        ) {
            $0[keyPath: path].map { .duration($0) } ?? .none
        } write: { root, value in
            if case .duration(let length) = value { root[keyPath: path] = length } else { root[keyPath: path] = nil }
        }
    }

    static func hours(
        _ key: String, _ path: any WritableKeyPath<Root, QuietHours?> & Sendable, _ note: String
    ) -> PolicyField {
        PolicyField(key: key, kind: .hours, mayBeNone: true, note: note) {
            $0[keyPath: path].map { .hours($0) } ?? .none
        } write: { root, value in
            if case .hours(let hours) = value { root[keyPath: path] = hours } else { root[keyPath: path] = nil }
        }
    }
}

extension PolicyField.Value {
    /// As it stands in a document.
    var text: String {
        switch self {
        case .none: "none"
        case .count(let count): String(count)
        case .duration(let duration): DurationText.format(duration)
        case .hours(let hours): "\"\(hours)\""
        }
    }
}

extension PolicyField.Kind {
    /// What may stand there, for error messages.
    var expectation: String {
        switch self {
        case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .duration(let range):
            range.lowerBound == .zero
                ? "a duration such as 90s, 50m, 4h or 1d"
                : "a duration of at least \(DurationText.format(range.lowerBound))"
        case .hours: "local hours such as 20:00-08:00"
        }
    }
}

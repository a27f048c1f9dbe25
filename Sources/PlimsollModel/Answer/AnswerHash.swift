import Crypto

/// The first 16 bytes of the SHA-256 of a canonical answer: enough to tell whether a repeated submit says the same.
public struct AnswerHash: Sendable, Hashable, CustomStringConvertible {
    public static let length = 16

    private let high: UInt64
    private let low: UInt64

    /// The hash of canonical bytes.
    public init(of canonical: [UInt8]) {
        (high, low) = SHA256.hash(data: canonical).withUnsafeBytes { digest in
            (
                UInt64(bigEndian: digest.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// The hash as it was stored; nil unless there are exactly 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Its 16 bytes, as they are stored.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.length)
        for word in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return result
    }

    /// Lower-case hexadecimal.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

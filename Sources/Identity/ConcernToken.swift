/// A word with which whoever raised a concern without a name reads the answer. Made as an `EnrolmentToken` is; the
/// hashes of the two never meet.
public enum ConcernToken {
    private static let purpose = "plimsoll concern token\n"

    /// Makes a token and the 32 bytes to store for it.
    public static func make() -> (token: String, hash: [UInt8]) {
        let token = EnrolmentToken.word()
        return (token, hash(token))
    }

    /// The 32 bytes under which a token is stored.
    public static func hash(_ token: String) -> [UInt8] { EnrolmentToken.hash(token, purpose: purpose) }
}

import Crypto

/// A word that lets one person ask for their first certificate, once.
///
/// The token is shown to its person and never stored; the database keeps its SHA-256 alone. It has 160 random bits, so
/// a plain hash needs no salt and no stretching: there is nothing to guess. It is read out and typed, hence Crockford's
/// base 32 (no I, L, O, U) in groups of four; upper and lower case, dashes and blanks make no difference.
public enum EnrolmentToken {
    /// Random bits of a token.
    public static let bits = 160
    /// Characters between two dashes.
    private static let groupCharacters = 4
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
    /// Keeps the hash from meaning anything elsewhere.
    private static let purpose = "plimsoll enrolment token\n"

    /// Makes a token and the 32 bytes to store for it.
    public static func make() -> (token: String, hash: [UInt8]) {
        let token = word()
        return (token, hash(token))
    }

    /// A new token's text.
    static func word() -> String {
        var generator = SystemRandomNumberGenerator()
        var token = ""
        for position in 0..<(bits / 5) {
            if position > 0, position % groupCharacters == 0 { token.append("-") }
            token.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        }
        return token
    }

    /// The 32 bytes under which a token is stored; of what is no token, a hash that no token has.
    public static func hash(_ token: String) -> [UInt8] { hash(token, purpose: purpose) }

    static func hash(_ token: String, purpose: String) -> [UInt8] {
        var hasher = SHA256()
        hasher.update(data: Array(purpose.utf8))
        hasher.update(data: Array(normalized(token).utf8))
        return Array(hasher.finalize())
    }

    /// One spelling for everything that a person may type for the same token.
    private static func normalized(_ token: String) -> String {
        String(
            token.lowercased().compactMap { character -> Character? in
                switch character {
                case "-", " ", "\t", "\n", "\r", "\r\n": nil
                case "o": "0"
                case "i", "l": "1"
                default: character
                }
            })
    }
}

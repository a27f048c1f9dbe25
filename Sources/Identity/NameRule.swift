/// The rules that names and trust domains keep, so that an identity has one spelling in certificates, the database,
/// file names and on screens.
public enum NameRule {
    /// The most characters of a name; with it every file name and every column stays short.
    public static let nameCharactersMax = 63
    /// The most characters of a trust domain (SPIFFE-ID, section 2.1).
    public static let trustDomainCharactersMax = 255

    /// The rule in words, as error messages and help texts say it.
    public static let nameRule =
        "1 to \(nameCharactersMax) characters: a lower-case letter or digit first, "
        + "then lower-case letters, digits, '.', '_' and '-'"

    /// Throws `badName` with the rule; `what` names the thing in the message, as in "a person's name".
    public static func check(name: String, of what: String) throws(IdentityError) {
        guard fits(name, charactersMax: nameCharactersMax) else {
            throw IdentityError(.badName, "\(excerpt(name)) cannot be \(what); the rule is \(nameRule)")
        }
    }

    /// Throws `badTrustDomain` with the rule.
    public static func check(trustDomain: String) throws(IdentityError) {
        guard fits(trustDomain, charactersMax: trustDomainCharactersMax) else {
            throw IdentityError(
                .badTrustDomain,
                "\(excerpt(trustDomain)) cannot be a trust domain; the rule is 1 to \(trustDomainCharactersMax) "
                    + "characters: a lower-case letter or digit first, "
                    + "then lower-case letters, digits, '.', '_' and '-'")
        }
    }

    private static func fits(_ text: String, charactersMax: Int) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= charactersMax else { return false }
        return isLetterOrDigit(first) && bytes.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

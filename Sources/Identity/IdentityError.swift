/// Why a certificate, a request, a name or a file of an identity was refused.
///
/// `message` says what, why and what to do next; it holds at most a short, escaped excerpt of what was presented and
/// never a key. What a remote peer is told is decided by whoever maps this error to a status.
public struct IdentityError: Error, Sendable {
    /// What went wrong, for code to act on.
    public enum Code: String, Sendable, CaseIterable {
        /// A name of a person, worker or coordinator breaks the rule of names.
        case badName
        /// A trust domain breaks the rule of trust domains.
        case badTrustDomain
        /// The URI does not begin with `spiffe://`.
        case wrongScheme
        /// The URI's path names no role, or not in the role's shape.
        case badPath
        /// The URI or request belongs to another deployment.
        case otherTrustDomain
        /// A certificate without any URI: the common name is never looked at.
        case noURI
        /// A certificate with more than one URI: nobody acts as two.
        case severalURIs
        /// A certificate with names that its role may not carry, or names that cannot be put in one.
        case otherNames
        /// A certificate that may sign certificates, presented as somebody's own.
        case authorityAsLeaf
        /// A key usage or extended key usage that the role needs is missing.
        case missingUsage
        /// The certificate's time is over.
        case expired
        /// The certificate's time has not begun.
        case notYetValid
        /// No authority of the deployment signed the certificate.
        case otherAuthority
        /// Text or bytes that are not what they should be.
        case unreadable
        /// A certificate request whose signature does not prove that its sender holds the key.
        case badSignature
        /// A key that is not ECDSA over P-256, or one that must not be certified.
        case unsupportedKey
        /// The request asks for another identity than the one to be issued.
        case requestForOther
        /// A length of validity out of its range.
        case badValidity
        /// The authority itself is not valid at this time.
        case authorityNotValid
        /// Private key and certificate do not belong together.
        case keyMismatch
        /// A file is there already and is not overwritten.
        case fileExists
        /// A file is not there.
        case fileMissing
        /// A private key that group or others may touch.
        case fileUnsafe
        /// The operating system refused to read or write a file.
        case fileFailed
    }

    /// What went wrong, for code.
    public let code: Code
    /// What, why and what next, for a person.
    public let message: String
    /// The error of a library below, where there was one.
    public let cause: (any Error)?

    /// Says what went wrong; `message` must not hold a key or the whole of something foreign.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Runs `body` and turns whatever it throws into an error of this type; one of this type passes unchanged.
    static func wrapping<Value>(
        _ code: Code, _ message: @autoclosure () -> String, _ body: () throws -> Value
    ) throws(IdentityError) -> Value {
        do {
            return try body()
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(code, message(), cause: error)
        }
    }
}

extension IdentityError: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(message)" }
}

/// The most characters of something foreign that a message repeats.
private let excerptCharactersMax = 80

/// Foreign text made harmless for a message: cut short, control characters and everything beyond ASCII escaped.
func excerpt(_ text: String) -> String {
    var result = "\""
    var length = 0
    for scalar in text.unicodeScalars {
        guard length < excerptCharactersMax else { return result + "...\"" }
        result += scalar.escaped(asASCII: true)
        length += 1
    }
    return result + "\""
}

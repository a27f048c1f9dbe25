/// The chain up to one link, as of a moment.
public struct ChainHead: Sendable, Hashable {
    public var seq: Int64
    /// Of that link.
    public var hash: [UInt8]
    public var at: Moment

    public init(seq: Int64, hash: [UInt8], at: Moment) {
        self.seq = seq
        self.hash = hash
        self.at = at
    }

    /// What is signed.
    public var text: [UInt8] {
        var text = ChainText("plimsoll chain head 1")
        text.line("seq", seq)
        text.line("at", at.microseconds)
        text.line("hash", hex: hash)
        return text.bytes
    }
}

/// A signature of a coordinator, made with the private key of its own TLS certificate, and that certificate.
///
/// No key of its own: the deployment's authority already vouches for that certificate, every participant has the
/// authority, and so everybody can verify without being given anything more. Whoever holds a coordinator's key can sign
/// a false head, which is why heads also leave the machine at once.
public struct CoordinatorSignature: Sendable, Hashable {
    /// ECDSA over P-256 and SHA-256, in DER.
    public var signature: [UInt8]
    /// In DER.
    public var certificate: [UInt8]

    public init(signature: [UInt8], certificate: [UInt8]) {
        self.signature = signature
        self.certificate = certificate
    }
}

/// Signs a text as the coordinator that this process is.
public typealias CoordinatorSigner = @Sendable ([UInt8]) throws -> CoordinatorSignature

/// A head that a coordinator stands for.
public struct SignedHead: Sendable, Hashable {
    public var head: ChainHead
    public var signature: CoordinatorSignature

    public init(head: ChainHead, signature: CoordinatorSignature) {
        self.head = head
        self.signature = signature
    }
}

extension SignedHead {
    /// The highest length of one line of a head file; a certificate of ours has less than 1 KB.
    public static let lineBytesMax = 16_384

    /// As head files and head commands have it: one line, without its end.
    public var json: JSONValue {
        [
            "plimsoll_chain_head": 1, "seq": .number(JSONNumber(head.seq)), "hash": .string(Hex.text(head.hash)),
            "at_microseconds": .number(JSONNumber(head.at.microseconds)),
            "signature": .string(Hex.text(signature.signature)),
            "certificate": .string(Hex.text(signature.certificate)),
        ]
    }

    /// Reads what ``json`` writes; nil for anything else.
    public init?(json: JSONValue) {
        guard json["plimsoll_chain_head"]?.intValue == 1, let seq = json["seq"]?.numberValue?.int64,
            let at = json["at_microseconds"]?.numberValue?.int64,
            let hash = json["hash"]?.stringValue.flatMap(Hex.bytes),
            let signature = json["signature"]?.stringValue.flatMap(Hex.bytes),
            let certificate = json["certificate"]?.stringValue.flatMap(Hex.bytes)
        else { return nil }
        self.init(
            head: ChainHead(seq: seq, hash: hash, at: Moment(microseconds: at)),
            signature: CoordinatorSignature(signature: signature, certificate: certificate))
    }
}

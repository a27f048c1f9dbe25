import Crypto

/// What a receipt turns out to be, from itself and the deployment's authority alone.
public struct ReceiptCheck: Sendable, Hashable {
    /// What does not fit, most telling first; empty: the receipt is as it was issued.
    public private(set) var faults: [String] = []
    /// A UUID, as the receipt says.
    public private(set) var id = ""
    /// Nil: it was issued before the event was sealed and signed for.
    public private(set) var proof: InclusionProof?

    /// Nil: a coordinator of the deployment signed the text at that moment. Else why not.
    public typealias SignatureCheck = (CoordinatorSignature, _ text: [UInt8], _ at: Moment) -> String?

    /// Throws `JSONError` for what is no JSON.
    public init(_ bytes: [UInt8], check: SignatureCheck) throws {
        let json = try JSONValue.parse(bytes)
        guard case .object(var document) = json, case .object(var ours)? = document[ReceiptDocument.ours],
            let form = ours["form"]?.stringValue.flatMap({ ReceiptForm(rawValue: $0) }),
            let issued = ours["issued_at_microseconds"]?.numberValue?.int64,
            let eventText = ours["event_text"]?.stringValue, let eventHash = ours["event_hash"]?.stringValue,
            let chain = ours["chain"]
        else {
            faults = ["it is no receipt of Plimsoll, or a part of it was taken away"]
            return
        }
        let event = Self.lines(of: eventText)
        id = event["receipt"] ?? ""
        if Hex.text(SHA256.hash(data: Array(eventText.utf8))) != eventHash {
            faults.append("the event's text was altered: its hash is another one")
        }
        faults += Self.differences(json, form: form, event: event, state: ours["state"]?.stringValue)
        if let text = ours["notice_text"]?.stringValue,
            Hex.text(SHA256.hash(data: Array(text.utf8))) != event["notice-sha256"]
        {
            faults.append("the notice's text is not the one that the event names")
        }
        if !chain.isNull {
            proof = InclusionProof(json: chain)
            if let proof {
                let detail = try? JSONValue.parse(proof.detail.text)
                if detail?["event"]?.stringValue != eventHash {
                    faults.append("the proof is of another event")
                }
                if let fault = proof.fault({ check($0.signature, $0.head.text, $0.head.at) }) {
                    faults.append("the proof does not hold: \(fault)")
                }
            } else {
                faults.append("the proof of inclusion cannot be read")
            }
        }
        let signature = ours[ReceiptDocument.signature]
        ours[ReceiptDocument.signature] = nil
        document[ReceiptDocument.ours] = .object(ours)
        let text = ReceiptDocument.signedText(.object(document))
        guard let value = signature?["signature"]?.stringValue.flatMap(Hex.bytes),
            let certificate = signature?["certificate"]?.stringValue.flatMap(Hex.bytes)
        else {
            faults.append("it is not signed")
            return
        }
        let signed = CoordinatorSignature(signature: value, certificate: certificate)
        if let why = check(signed, text, Moment(microseconds: issued)) {
            faults.append("it is not as it was issued: \(why)")
        }
    }

    /// The lines `name value` of an event's text.
    private static func lines(of text: String) -> [String: String] {
        text.split(separator: "\n").reduce(into: [:]) { lines, line in
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { lines[String(parts[0])] = String(parts[1]) }
        }
    }

    /// Fields of the form that say something else than the event.
    private static func differences(
        _ json: JSONValue, form: ReceiptForm, event: [String: String], state: String?
    ) -> [String] {
        let at = event["at"].flatMap { Int64($0) }.map { Moment(microseconds: $0) }
        let term = event["state"].flatMap { AgreementState(rawValue: $0) }?.dpvTerm
        let person = event["person"].map { "person-\($0)" }
        var pairs: [(String, JSONValue?, String?)] = [("state", state.map { .string($0) }, event["state"])]
        switch form {
        case .ts27560:
            let first = json["events"]?.arrayValue?.first
            pairs += [
                ("record_id", json["header"]?["record_id"], event["receipt"]),
                ("pii_principal_id", json["header"]?["pii_principal_id"], person),
                ("purpose", json["processing"]?.arrayValue?.first?["purpose"], event["purpose"]),
                ("event_time", first?["event_time"], at?.rfc3339), ("event_state", first?["event_state"], term),
            ]
        case .kantara:
            let service = json["services"]?.arrayValue?.first
            pairs += [
                ("consentReceiptID", json["consentReceiptID"], event["receipt"]),
                ("piiPrincipalId", json["piiPrincipalId"], person),
                ("purpose", service?["purposes"]?.arrayValue?.first?["purpose"], event["purpose"]),
                (
                    "consentTimestamp", json["consentTimestamp"]?.intValue.map { .string(String($0)) },
                    at.map { String($0.seconds) }
                ),
            ]
        }
        return pairs.filter { $0.1?.stringValue != $0.2 }.map { "\($0.0) is not what the event says" }
    }
}

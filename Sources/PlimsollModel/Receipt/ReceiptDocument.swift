/// A receipt as JSON: the fields of its form, and under `plimsoll` what proves them. The schemas are in
/// `Schema/receipt`.
///
/// What the deployment does not record is said so and not made up; the lawful basis is among it, which an agreement
/// alone does not prove.
public struct ReceiptDocument: Sendable {
    /// Without the signature.
    public let json: JSONValue

    static let notRecorded: JSONValue = "not recorded"
    /// The member that holds what is ours, and within it the signature.
    static let ours = "plimsoll"
    static let signature = "signature"

    /// `controller` is the deployment's trust domain; `now` when it is issued.
    public init(_ record: ReceiptRecord, form: ReceiptForm, controller: String, now: Moment) {
        var document =
            switch form {
            case .ts27560: Self.ts27560(record, controller: controller)
            case .kantara: Self.kantara(record, controller: controller)
            }
        document[Self.ours] = [
            "receipt_version": 1, "form": .string(form.rawValue),
            "issued_at_microseconds": .number(JSONNumber(now.microseconds)),
            "state": .string(record.state.rawValue), "event_text": .string(record.eventText),
            "event_hash": .string(Hex.text(record.eventHash)),
            "notice_text": Self.orNull(record.notice?.text),
            "alternative_offered": Self.orNull(record.notice?.alternativeOffered),
            "consultation": Self.orNull(record.notice?.consultation), "chain": record.proof?.json ?? .null,
        ]
        json = .object(document)
    }

    /// What the coordinator signs: a title and the canonical text of the document without its signature.
    public var signedText: [UInt8] { Self.signedText(json) }

    static func signedText(_ json: JSONValue) -> [UInt8] {
        // A tree of JSON has a canonical text unless a number is beyond a double, which none of ours is.
        let canonical = (try? CanonicalJSON.canonicalize(json.encode())) ?? json.encode()
        return Array("plimsoll receipt 1\n".utf8) + canonical
    }

    /// The document with its signature, as its subject gets it.
    public func signed(by signature: CoordinatorSignature) -> [UInt8] {
        guard case .object(var document) = json, case .object(var ours)? = document[Self.ours] else { return [] }
        ours[Self.signature] = [
            "signature": .string(Hex.text(signature.signature)),
            "certificate": .string(Hex.text(signature.certificate)),
        ]
        document[Self.ours] = .object(ours)
        return JSONValue.object(document).encode(pretty: true)
    }
}

extension ReceiptDocument {
    private static func ts27560(_ record: ReceiptRecord, controller: String) -> JSONObject {
        let notice = record.notice
        let data = known(notice?.data)
        return [
            (
                "header",
                [
                    "schema_version": "ISO/IEC TS 27560:2023", "record_id": .string(record.id),
                    "pii_principal_id": .string("person-\(record.person)"),
                ]
            ),
            (
                "processing",
                [
                    [
                        "privacy_notice": known(notice?.reference),
                        "language": known(notice?.locale),
                        "purpose": .string(record.purpose), "lawful_basis": notRecorded,
                        "pii_information": [
                            [
                                "pii_type": data, "pii_attribute_id": .string(record.purpose), "pii_optional": true,
                                "sensitive_pii_category": false, "special_pii_category": false,
                            ]
                        ],
                        "collection_method": .string(collectionMethod(record)), "storage_locations": notRecorded,
                        "retention_period": known(notice?.retention),
                        "processing_locations": notRecorded, "geographic_restrictions": notRecorded,
                        "jurisdiction": notRecorded,
                        "recipient_third_parties": .array([known(notice?.recipients)]),
                        "withdrawal_method": .string(notice?.withdrawalMethod ?? withdrawal(record)),
                        "privacy_rights": .string(rights), "codes_of_conduct": notRecorded,
                        "impact_assessment": known(notice?.assessment),
                        "authority_party": notRecorded,
                    ]
                ]
            ),
            (
                "parties",
                [
                    [
                        "party_id": "controller", "party_name": .string(controller), "party_role": "pii-controller",
                        "party_contact": .array(record.contacts.map { .string($0) }), "party_type": "deployment",
                    ],
                    [
                        "party_id": .string("person-\(record.person)"), "party_name": notRecorded,
                        "party_role": "pii-principal", "party_contact": [], "party_type": "natural-person",
                    ],
                ]
            ),
            (
                "events",
                [
                    [
                        "event_time": .string(record.at.rfc3339),
                        "validity_duration": orNull(record.until.map { duration($0 - record.at) }),
                        "entity_id": .string("person-\(record.person)"), "event_type": "explicit",
                        "event_state": .string(record.state.dpvTerm),
                    ]
                ]
            ),
        ].reduce(into: JSONObject()) { $0[$1.0] = $1.1 }
    }

    private static func kantara(_ record: ReceiptRecord, controller: String) -> JSONObject {
        let notice = record.notice
        return [
            "version": "KI-CR-v1.1.0", "jurisdiction": notRecorded,
            "consentTimestamp": .number(JSONNumber(record.at.seconds)),
            "collectionMethod": .string(collectionMethod(record)), "consentReceiptID": .string(record.id),
            "language": known(notice?.locale),
            "piiPrincipalId": .string("person-\(record.person)"),
            "piiControllers": [
                [
                    "piiController": .string(controller),
                    "contact": known(record.contacts.first),
                    "address": notRecorded, "email": notRecorded, "phone": notRecorded,
                ]
            ],
            "policyUrl": known(notice?.reference),
            "services": [
                [
                    "service": .string("Plimsoll of \(controller)"),
                    "purposes": [
                        [
                            "purpose": .string(record.purpose), "purposeCategory": [.string(record.purpose)],
                            "consentType": "EXPLICIT",
                            "piiCategory": [known(notice?.data)],
                            "primaryPurpose": .bool(record.purpose == PurposeName.takingPart.rawValue),
                            "termination": .string(notice?.withdrawalMethod ?? withdrawal(record)),
                            "thirdPartyDisclosure": .bool(notice != nil),
                            "thirdPartyName": known(notice?.recipients),
                        ]
                    ],
                ]
            ],
            "sensitive": false, "spiCat": [],
        ]
    }

    private static func collectionMethod(_ record: ReceiptRecord) -> String {
        "in the person's own voice, over mutual TLS with their certificate \(record.certificateSerial)"
    }

    private static func withdrawal(_ record: ReceiptRecord) -> String { "plimsoll consent withdraw \(record.purpose)" }

    private static let rights = "withdraw at any moment, without a reason and at no cost; see one's own records"

    private static func known(_ text: String?) -> JSONValue { text.map { .string($0) } ?? notRecorded }
    fileprivate static func orNull(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// ISO 8601, in days where it is whole days.
    private static func duration(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        return seconds.isMultiple(of: 86_400) ? "P\(seconds / 86_400)D" : "PT\(seconds)S"
    }
}

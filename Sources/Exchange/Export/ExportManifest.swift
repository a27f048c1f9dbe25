public import PlimsollModel

/// What an export holds and how it came about; `manifest.json` beside its files.
public struct ExportManifest: Sendable, Hashable {
    public static let fileName = "manifest.json"
    /// Of the manifest's own shape.
    public static let currentVersion = 1

    /// One file of an export.
    public struct File: Sendable, Hashable {
        /// Relative to the manifest, without folders.
        public var path: String
        /// 64 hexadecimal digits in lower case.
        public var sha256: String
        public var bytes: Int
        /// Labels in the file.
        public var rows: Int

        public init(path: String, sha256: String, bytes: Int, rows: Int) {
            self.path = path
            self.sha256 = sha256
            self.bytes = bytes
            self.rows = rows
        }
    }

    public struct Counts: Sendable, Hashable {
        public var tasks: Int
        public var labels: Int
        public var annotators: Int
        /// Labels left out, whatever the cause.
        public var excluded: Int

        public init(tasks: Int, labels: Int, annotators: Int, excluded: Int) {
            self.tasks = tasks
            self.labels = labels
            self.annotators = annotators
            self.excluded = excluded
        }
    }

    /// The manifest that one was written after, and over which contents of it.
    public struct Superseded: Sendable, Hashable {
        public var path: String
        public var sha256: String

        public init(path: String, sha256: String) {
            self.path = path
            self.sha256 = sha256
        }
    }

    /// A record of the files that must be dropped. One word whatever the cause.
    public struct Dropped: Sendable, Hashable {
        public static let why = "dropped"
        public var taskKey: String
        public var slot: Int
        public var annotator: String

        public init(taskKey: String, slot: Int, annotator: String) {
            self.taskKey = taskKey
            self.slot = slot
            self.annotator = annotator
        }
    }

    public var version = ExportManifest.currentVersion
    /// 1 is sealed with the files; a later one says what of them must be dropped by now.
    public var number = 1
    /// nil for the first.
    public var supersedes: Superseded?
    /// All that must be dropped, what earlier manifests named among it.
    public var dropped: [Dropped] = []
    public var project: String
    public var purpose: String
    /// What was asked for beyond project and purpose.
    public var filters = JSONObject()
    /// Up to where the ledger was read.
    public var cut = JSONObject()
    public var files: [File] = []
    public var policyVersions: [Int64] = []
    /// Each as `purpose@version`.
    public var noticeVersions: [String] = []
    public var instructionsVersions: [Int64] = []
    public var counts = Counts(tasks: 0, labels: 0, annotators: 0, excluded: 0)
    /// Names the key of this export's pseudonyms; the key itself stays in the deployment.
    public var pseudonymKeyID: String
    /// A date, `2026-03-30`.
    public var createdOn: String

    public init(project: String, purpose: String, pseudonymKeyID: String, createdOn: String) {
        self.project = project
        self.purpose = purpose
        self.pseudonymKeyID = pseudonymKeyID
        self.createdOn = createdOn
    }

    /// The file name of a manifest.
    public static func fileName(number: Int) -> String { number == 1 ? fileName : "manifest-\(number).json" }

    /// The manifest as text, always in the same order, for people and programs to read.
    public func encode() -> [UInt8] {
        func list(_ numbers: [Int64]) -> JSONValue { .array(numbers.map { .number(JSONNumber($0)) }) }
        var object: JSONObject = [
            "version": .number(JSONNumber(version)), "project": .string(project), "purpose": .string(purpose),
            "created_on": .string(createdOn), "filters": .object(filters), "cut": .object(cut),
            "files": .array(
                files.map {
                    [
                        "path": .string($0.path), "sha256": .string($0.sha256), "bytes": .number(JSONNumber($0.bytes)),
                        "rows": .number(JSONNumber($0.rows)),
                    ]
                }),
            "counts": [
                "tasks": .number(JSONNumber(counts.tasks)), "labels": .number(JSONNumber(counts.labels)),
                "annotators": .number(JSONNumber(counts.annotators)), "excluded": .number(JSONNumber(counts.excluded)),
            ],
            "policy_versions": list(policyVersions), "notice_versions": .array(noticeVersions.map { .string($0) }),
            "instructions_versions": list(instructionsVersions), "pseudonym_key_id": .string(pseudonymKeyID),
        ]
        if let supersedes {
            object["number"] = .number(JSONNumber(number))
            object["supersedes"] = ["path": .string(supersedes.path), "sha256": .string(supersedes.sha256)]
            object["dropped"] = .array(
                dropped.map {
                    [
                        "task_key": .string($0.taskKey), "slot": .number(JSONNumber($0.slot)),
                        "annotator": .string($0.annotator), "why": .string(Dropped.why),
                    ]
                })
        }
        return JSONValue.object(object).encode(pretty: true) + [UInt8(ascii: "\n")]
    }

    /// Reads a manifest; members it does not know are passed over. Throws `ExchangeError`.
    public init(parsing bytes: [UInt8]) throws {
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes)
        } catch {
            throw ExchangeError(.manifest, "the manifest is not JSON", cause: error)
        }
        let reader = ManifestReader(value: value, path: "")
        version = try reader.integer("version")
        guard version == Self.currentVersion else {
            throw ExchangeError(.manifest, "the manifest has version \(version), known is \(Self.currentVersion)")
        }
        project = try reader.string("project")
        purpose = try reader.string("purpose")
        createdOn = try reader.string("created_on")
        filters = try reader.object("filters")
        cut = try reader.object("cut")
        files = try reader.list("files") { file in
            File(
                path: try file.string("path"), sha256: try file.string("sha256"), bytes: try file.integer("bytes"),
                rows: try file.integer("rows"))
        }
        let counts = ManifestReader(value: .object(try reader.object("counts")), path: "counts.")
        self.counts = Counts(
            tasks: try counts.integer("tasks"), labels: try counts.integer("labels"),
            annotators: try counts.integer("annotators"), excluded: try counts.integer("excluded"))
        policyVersions = try reader.list("policy_versions") { Int64(try $0.integer()) }
        noticeVersions = try reader.list("notice_versions") { try $0.string() }
        instructionsVersions = try reader.list("instructions_versions") { Int64(try $0.integer()) }
        pseudonymKeyID = try reader.string("pseudonym_key_id")
        guard value["supersedes"] != nil else { return }
        number = try reader.integer("number")
        let earlier = ManifestReader(value: .object(try reader.object("supersedes")), path: "supersedes.")
        supersedes = Superseded(path: try earlier.string("path"), sha256: try earlier.string("sha256"))
        dropped = try reader.list("dropped") { record in
            Dropped(
                taskKey: try record.string("task_key"), slot: try record.integer("slot"),
                annotator: try record.string("annotator"))
        }
    }
}

/// Takes members of a manifest and says which one is missing or of the wrong kind.
private struct ManifestReader {
    let value: JSONValue
    let path: String

    func string(_ name: String? = nil) throws -> String { try want(name, "a text", \.stringValue) }
    func integer(_ name: String? = nil) throws -> Int { try want(name, "a whole number", \.intValue) }
    func object(_ name: String) throws -> JSONObject { try want(name, "an object", \.objectValue) }

    func list<Element>(_ name: String, _ element: (ManifestReader) throws -> Element) throws -> [Element] {
        try want(name, "a list", \.arrayValue).enumerated().map { index, item in
            try element(ManifestReader(value: item, path: "\(path)\(name)[\(index)]."))
        }
    }

    private func want<Kind>(_ name: String?, _ what: String, _ kind: (JSONValue) -> Kind?) throws -> Kind {
        let member = name.map { value[$0] } ?? value
        guard let member, let found = kind(member) else {
            let place = name.map { path + $0 } ?? String(path.dropLast())
            throw ExchangeError(.manifest, "the manifest's `\(place)` must be \(what)")
        }
        return found
    }
}

import Foundation
import Logging
import PlimsollModel
import Postgres
import PrivateCluster
import TestSupport
import Testing

extension SystemTests {
    /// The record from end to end (P11): what coordinators seal and sign, what `audit verify` finds, what a person
    /// keeps.
    @Suite struct AuditTests {
        private static let purposes = ["taking-part", "training"]

        private func plan(_ heads: String) -> LiveSystem.Plan {
            var plan = LiveSystem.Plan(coordinators: 2)
            plan.headFile = heads
            return plan
        }

        /// Until a head covers everything.
        private func waitUntilSigned(_ system: LiveSystem) async throws {
            let isSigned = try await eventually(within: .seconds(40)) {
                let result = try await system.run(["audit", "verify", "-o", "json"], as: system.operatorIdentity)
                let facts = try JSONValue.parse(result.output)
                return facts["last_signed"] == facts["last_link"] && facts["not_sealed"]?.intValue == 0
            }
            #expect(isSigned)
        }

        private func asOwner(_ system: LiveSystem, _ sql: String) async throws {
            try await system.asDatabaseOwner {
                try await $0.execute(script: "set session_replication_role = replica; \(sql)")
            }
        }

        @Test func `an audit verifies what coordinators signed, and names what an owner of the database changed`()
            async throws
        {
            try await LiveSystem.with(plan("heads.jsonl")) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject(
                    "audited", schema: #"{"type": "integer"}"#, overlap: 1, purposes: ["taking-part"])
                try await system.enrol(["ann", "bob"], projects: ["audited"], purposes: Self.purposes)
                try await waitUntilSigned(system)
                let heads = system.folder.appending(path: "heads.jsonl").plain
                let verify = ["audit", "verify", "--heads", heads]
                // Both coordinators write the one file.
                let caughtUp = try await eventually(within: .seconds(10)) {
                    let text = try String(contentsOfFile: heads, encoding: .utf8)
                    let result = try await system.run(verify + ["-o", "json"], as: system.operatorIdentity)
                    let facts = try JSONValue.parse(result.output)
                    return result.code == 0
                        && facts["file_heads"]?.intValue == text.split(separator: "\n").count
                        && facts["heads"] == facts["file_heads"]
                }
                #expect(caughtUp)
                let whole = try await system.run(verify, as: system.operatorIdentity)
                #expect(whole.code == 0 && whole.output.hasPrefix("the chain is whole: "), "\(whole)")
                #expect(whole.output.contains("not covered by a signature yet: "), "\(whole)")
                #expect(whole.errors.contains(/verified [0-9,]+ events in [0-9.]+ s \([0-9,]+\/s/), "\(whole)")
                // P9: nobody is told who agreed, and nobody can ask.
                #expect(whole.output.contains("; 4 details of what people did for themselves compared"), "\(whole)")
                let flag = try await system.run(
                    ["audit", "verify", "--consent-details"], as: system.operatorIdentity)
                #expect(flag.code == 2, "\(flag)")
                let kind = try await system.run(
                    ["audit", "list", "--kind", "consent.*"], as: system.operatorIdentity)
                #expect(kind.code == 3 && kind.errors.contains("ask without a kind"), "\(kind)")
                let listed = try await system.succeed(["audit", "list"], as: system.operatorIdentity)
                let own = listed.split(separator: "\n").filter { $0.contains("a person's own") }
                #expect(own.count == 4 && own.allSatisfy { !$0.contains("ann") && !$0.contains("Z ") }, "\(listed)")
                #expect(!listed.contains("consent."), "\(listed)")
                // An edit of what nobody else may read is found all the same.
                let consent = "(select min(event_id) from chain_event where kind = 'consent.given')"
                try await asOwner(
                    system, "update chain_detail set actor = 'mallory' where event_id = \(consent)")
                let taken = try await system.run(verify, as: system.operatorIdentity)
                #expect(taken.code == 1 && taken.errors.contains("edited: the detail of event"), "\(taken)")
                #expect(!taken.errors.contains("ann") && !taken.errors.contains("mallory"), "\(taken)")
                try await asOwner(
                    system, "update chain_detail set actor = detail ->> 'actor' where event_id = \(consent)")
                #expect(try await system.run(verify, as: system.operatorIdentity).code == 0)
                // So is one that is gone, which no erasure took.
                try await asOwner(
                    system,
                    "create table kept as select * from chain_detail where event_id = \(consent); "
                        + "delete from chain_detail where event_id = \(consent)")
                let gone = try await system.run(verify, as: system.operatorIdentity)
                #expect(gone.code == 1 && gone.errors.contains("is gone, and no erasure took it"), "\(gone)")
                try await asOwner(
                    system, "insert into chain_detail select * from kept; drop table kept")
                // Only operators.
                let refused = try await system.run(["audit", "list"], as: system.identity("ann"))
                #expect(refused.code == 4, "\(refused)")

                try await asOwner(
                    system,
                    """
                    update chain_detail set detail = '{"actor":"\(LiveSystem.operatorName)","person":"eve"}'
                        where event_id = (select event_id from chain_event where kind = 'engineer.enrolled'
                            order by event_id limit 1)
                    """)
                let edited = try await system.run(verify, as: system.operatorIdentity)
                #expect(edited.code == 1 && edited.errors.contains("edited: the detail of event"), "\(edited)")
                #expect(edited.errors.contains("next: keep the database as it is"), "\(edited)")
                let json = try await system.run(verify + ["-o", "json"], as: system.operatorIdentity)
                #expect(json.code == 1)
                #expect(try JSONValue.parse(json.output)["faults"]?.arrayValue?.first?["kind"]?.stringValue == "edited")

                // The last head goes with everything after the one before.
                try await asOwner(
                    system,
                    """
                    delete from chain_head where seq = (select max(seq) from chain_head);
                    delete from chain_link where seq > (select max(seq) from chain_head);
                    delete from chain_unsealed
                    """)
                let cut = try await system.run(verify, as: system.operatorIdentity)
                #expect(cut.code == 1 && cut.errors.contains("truncated: the head file has a head"), "\(cut)")
            }
        }

        @Test func `a person keeps receipts that prove themselves, and nobody gets another's`() async throws {
            let python = try await PythonEnvironment.make(["jsonschema"])
            try await LiveSystem.with(plan("heads.jsonl")) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject(
                    "kept", schema: #"{"type": "integer"}"#, overlap: 1, purposes: Self.purposes)
                try await system.enrol(["ann", "bob"], projects: ["kept"], purposes: Self.purposes)
                let ann = system.identity("ann")
                let withdrawn = try JSONValue.parse(
                    await system.succeed(["consent", "withdraw", "training", "-o", "json"], as: ann))
                let id = try #require(withdrawn["receipt"]?.stringValue)
                try await Self.decideInEveryWay(system, "bob")
                // At once, before it is sealed: without a proof, and in order all the same.
                let early = system.folder.appending(path: "early.json")
                try await system.succeed(["consent", "receipt", id, "--to", early.plain], as: ann)
                try await waitUntilSigned(system)
                let listed = try JSONValue.parse(
                    await system.succeed(["consent", "receipt", "-o", "json"], as: ann))
                #expect(listed.arrayValue?.count == 3)
                #expect(listed.arrayValue?.last?["receipt"]?.stringValue == id)
                var files = [early]
                for form in ["ts27560", "kantara"] {
                    let file = system.folder.appending(path: "\(form).json")
                    try await system.succeed(["consent", "receipt", id, "--form", form, "--to", file.plain], as: ann)
                    files.append(file)
                    let json = try JSONValue.parse(String(contentsOf: file, encoding: .utf8))
                    #expect(json["plimsoll"]?["chain"]?["kind"]?.stringValue == "consent.withdrawn")
                    #expect(json["plimsoll"]?["event_hash"] == withdrawn["event_hash"])
                }
                for file in files {
                    let form = file == early ? "ts27560" : file.deletingPathExtension().lastPathComponent
                    let schema = Products.repository.appending(path: "Schema/receipt/\(form).schema.json")
                    let check = try await Machine.run(
                        python, ["-c", Self.schemaCheck, schema.plain, file.plain], within: .seconds(60))
                    #expect(check.code == 0, "\(check)")
                    // Offline: the authority is all it takes.
                    let verified = try await system.run(
                        ["consent", "receipt", "--verify", file.plain, "--ca", ann.appending(path: "ca.pem").plain])
                    #expect(verified.code == 0, "\(verified)")
                }
                try await Self.checkEveryReceipt(system, "bob", python)
                let ts = try JSONValue.parse(String(contentsOf: files[1], encoding: .utf8))
                #expect(ts["events"]?.arrayValue?.first?["event_state"] == "dpv:ConsentWithdrawn")
                #expect(
                    ts["processing"]?.arrayValue?.first?["impact_assessment"]
                        == "impact assessment of the test, 2026-01-05")
                #expect(!ts["header"].debugDescription.contains("ann"))

                // Any change of any part is found.
                for file in files {
                    for path in Self.changeable(try JSONValue.parse(String(contentsOf: file, encoding: .utf8))) {
                        var json = try JSONValue.parse(String(contentsOf: file, encoding: .utf8))
                        Self.change(&json, path[...])
                        let altered = try system.file("altered.json", json.description)
                        let result = try await system.run(
                            [
                                "consent", "receipt", "--verify", altered.plain, "--ca",
                                ann.appending(path: "ca.pem").plain,
                            ])
                        #expect(result.code == 1 && result.errors.contains("was altered"), "\(path): \(result)")
                    }
                }
                // Another authority's word counts for nothing.
                let other = system.folder.appending(path: "other-ca")
                try await system.succeed(["cert", "init", other.plain, "--trust-domain", LiveSystem.trustDomain])
                let foreign = try await system.run(
                    ["consent", "receipt", "--verify", files[1].plain, "--ca", other.appending(path: "ca.pem").plain])
                #expect(foreign.code == 1, "\(foreign)")

                // Another's receipt is as unknown as one that does not exist.
                let theirs = try await system.run(["consent", "receipt", id], as: system.identity("bob"))
                let never = UUID().uuidString.lowercased()
                let nobodys = try await system.run(["consent", "receipt", never], as: system.identity("bob"))
                #expect(theirs.code == 5 && nobodys.code == 5)
                #expect(theirs.errors.replacing(id, with: "") == nobodys.errors.replacing(never, with: ""))
                let operators = try await system.run(["consent", "receipt", id], as: system.operatorIdentity)
                #expect(operators.code == 4, "\(operators)")
            }
        }

        /// What somebody can decide beside giving at enrolment and withdrawing: renewing, refusing, and both answers to
        /// a purpose that a project needs and no notice is about.
        private static func decideInEveryWay(_ system: LiveSystem, _ person: String) async throws {
            try await system.publishNotices(["review"])
            try await system.createProject(
                "unasked", schema: #"{"type": "integer"}"#, overlap: 1, purposes: ["taking-part", "evaluation"])
            for words in [
                ["give", "training", "--yes"], ["refuse", "review"], ["refuse", "evaluation"],
                ["withdraw", "evaluation"],
            ] {
                try await system.succeed(["consent"] + words, as: system.identity(person))
            }
        }

        /// Every receipt of enrolment and of ``decideInEveryWay(_:_:)``, with its proof, fits the schema of either form
        /// and says what was decided, about which notice and for how long.
        private static func checkEveryReceipt(_ system: LiveSystem, _ person: String, _ python: URL) async throws {
            let decided: [(purpose: String, state: String, term: String, notice: String?)] = [
                ("taking-part", "given", "dpv:ConsentGiven", "taking-part/1"),
                ("training", "given", "dpv:ConsentGiven", "training/1"),
                ("training", "renewed", "dpv:RenewedConsentGiven", "training/1"),
                ("review", "refused", "dpv:ConsentRefused", "review/1"),
                ("evaluation", "refused", "dpv:ConsentRefused", nil),
                ("evaluation", "withdrawn", "dpv:ConsentWithdrawn", nil),
            ]
            let identity = system.identity(person)
            let listed = try JSONValue.parse(
                await system.succeed(["consent", "receipt", "-o", "json"], as: identity))
            let rows = try #require(listed.arrayValue)
            try #require(rows.count == decided.count, "\(listed)")
            for form in ["ts27560", "kantara"] {
                var files: [String] = []
                for (number, (row, event)) in zip(rows, decided).enumerated() {
                    #expect(row["purpose"]?.stringValue == event.purpose && row["state"]?.stringValue == event.state)
                    #expect(row["notice"]?.stringValue == event.notice, "\(row)")
                    let id = try #require(row["receipt"]?.stringValue)
                    let file = system.folder.appending(path: "\(person)-\(form)-\(number).json")
                    try await system.succeed(
                        ["consent", "receipt", id, "--form", form, "--to", file.plain], as: identity)
                    files.append(file.plain)
                    let json = try JSONValue.parse(String(contentsOf: file, encoding: .utf8))
                    let opens = event.state == "given" || event.state == "renewed"
                    let text = try #require(json["plimsoll"]?["event_text"]?.stringValue)
                    #expect(text.contains("\nstate \(event.state)\n"), "\(text)")
                    #expect(text.contains("\nuntil -\n") == !opens, "\(text)")
                    #expect(json["plimsoll"]?["state"]?.stringValue == event.state)
                    #expect(json["plimsoll"]?["chain"]?.isNull == false, "\(event) is not proven")
                    #expect(json["plimsoll"]?["notice_text"]?.isNull == (event.notice == nil))
                    let processing = json["processing"]?.arrayValue?.first
                    let place = form == "kantara" ? json["policyUrl"] : processing?["privacy_notice"]
                    let reference = try #require(place?.stringValue)
                    if let notice = event.notice {
                        #expect(reference.hasPrefix("plimsoll:notice/\(notice)?sha256="), "\(reference)")
                    } else {
                        #expect(reference == "not recorded")
                    }
                    if form == "ts27560" {
                        let first = try #require(json["events"]?.arrayValue?.first)
                        #expect(first["event_state"]?.stringValue == event.term)
                        // The notices of a test hold for 90 days; only what opens the gate has a validity.
                        let validity: String? = opens ? "P90D" : nil
                        #expect(first["validity_duration"]?.stringValue == validity, "\(first)")
                    }
                    let verified = try await system.run([
                        "consent", "receipt", "--verify", file.plain, "--ca", identity.appending(path: "ca.pem").plain,
                    ])
                    #expect(verified.code == 0, "\(verified)")
                }
                let schema = Products.repository.appending(path: "Schema/receipt/\(form).schema.json")
                let check = try await Machine.run(
                    python, ["-c", schemaCheck, schema.plain] + files, within: .seconds(60))
                #expect(check.code == 0, "\(check)")
            }
        }

        private static let schemaCheck = """
            import json, sys, jsonschema
            schema, *documents = (json.load(open(path)) for path in sys.argv[1:])
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            assert documents
            for document in documents:
                validator.validate(document)
                # A schema that takes anything would be no test.
                for key in list(document):
                    broken = {k: v for k, v in document.items() if k != key}
                    assert not validator.is_valid(broken), key
                assert not validator.is_valid({**document, "more": 1})
            """

        /// One scalar of each part of a receipt, by its path.
        private static func changeable(_ json: JSONValue) -> [[String]] {
            var paths = [
                ["plimsoll", "event_text"], ["plimsoll", "notice_text"], ["plimsoll", "state"],
                ["plimsoll", "alternative_offered"], ["plimsoll", "signature", "signature"],
            ]
            if json["plimsoll"]?["chain"]?.isNull == false {
                paths += [
                    ["plimsoll", "chain", "salt"], ["plimsoll", "chain", "previous"],
                    ["plimsoll", "chain", "head", "signature"], ["plimsoll", "chain", "head", "hash"],
                ]
            }
            paths +=
                json["header"] == nil
                ? [["piiPrincipalId"], ["policyUrl"], ["language"], ["services", "0", "purposes", "0", "purpose"]]
                : [
                    ["header", "record_id"], ["processing", "0", "retention_period"], ["processing", "0", "purpose"],
                    ["parties", "0", "party_name"], ["events", "0", "event_time"], ["events", "0", "event_state"],
                ]
            return paths
        }

        private static func change(_ json: inout JSONValue, _ path: ArraySlice<String>) {
            guard let first = path.first else {
                let text = json.stringValue ?? ""
                // A hexadecimal text stays one.
                json = .string(text.hasSuffix("0") ? text.dropLast() + "1" : text.dropLast() + "0")
                return
            }
            if case .array(var items) = json, let index = Int(first) {
                change(&items[index], path.dropFirst())
                json = .array(items)
            } else if case .object(var object) = json, var value = object[first] {
                change(&value, path.dropFirst())
                object[first] = value
                json = .object(object)
            }
        }
    }
}

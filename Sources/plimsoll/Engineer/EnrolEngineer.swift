import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct EnrolEngineer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrol", abstract: "Enrol engineers in projects, with the selection record.",
        discussion: """
            Nobody gets a task without a record that says by which rule they were chosen, on what data, by whom, and \
            what else was offered to them. The record is shown to the engineer.

            plimsoll engineer enrol ana --zone Europe/Berlin --project essays --rule "asked to join, version 1" \
            --data-used "her own application" --decided-by olu --alternative "stay in the compiler team"

            The token that it prints is for the engineer, once: `plimsoll cert request ana --token TOKEN`.

            Somebody answers for every engineer: the supervisor of --team, or where none is named whoever decided. \
            Beyond the policy's span-max nobody comes in (span-of-control, exit code 3). --file enrols many, all of \
            them or nobody.
            """)

    @Argument(help: "The engineer's name.")
    var name: String?
    @Option(help: "A file with a person a line: name, then zone where they are new.")
    var file: String?
    @Option(help: "IANA time zone, for example Europe/Berlin; needed when the person is new.")
    var zone: String?
    @Option(name: .customLong("project"), help: "A project to enrol in; may be repeated.")
    var projects: [String]
    @Option(help: "The rule, with its version, by which the person was chosen.")
    var rule: String
    @Option(name: .customLong("data-used"), help: "What data about the person the choice was based on.")
    var dataUsed: String
    @Option(name: .customLong("decided-by"), help: "The person who decided; a supervisor or an operator.")
    var decidedBy: String
    @Option(name: .customLong("alternative"), help: "What else was offered to the person.")
    var alternativeOffered: String
    @Option(help: "The team to come into. Default: the team they are in, else that of who decided.")
    var team: String?
    @Flag(inversion: .prefixedNo, help: "Make a one-time token for the engineer's `cert request`.")
    var token = true
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (name == nil) != (file == nil) else { throw ValidationError("name either a person or --file") }
        guard file == nil || zone == nil else { throw ValidationError("with --file the zones stand in the file") }
    }

    func run() async throws {
        if let file { return try await enrol(people: PeopleFile.read(file)) }
        var one = Plimsoll_V1_NewEngineer()
        one.name = name ?? ""
        one.zone = zone ?? ""
        try await enrol(people: [one])
    }

    private func enrol(people: [Plimsoll_V1_NewEngineer]) async throws {
        let request = Plimsoll_V1_EnrolEngineersRequest.with {
            $0.people = people
            $0.projects = projects
            $0.rule = rule
            $0.dataUsed = dataUsed
            $0.decidedBy = decidedBy
            $0.alternativeOffered = alternativeOffered
            $0.team = team ?? ""
            $0.tokens = token
        }
        let enrolled = try await connection.withCoordinator {
            try await $0.organisation.enrolEngineers(request, options: ControlClient.callOptions)
        }
        Output.warn(enrolled.span.warning)
        guard file == nil else { return output.list(enrolled.people, empty: "nobody was enrolled") }
        for person in enrolled.people { report(person) }
    }

    private func report(_ person: Plimsoll_V1_EnrolledEngineer) {
        var sentence = "\(person.name) is enrolled in \(projects.joined(separator: ", "))"
        if !person.token.isEmpty {
            sentence += "\ntoken, shown once: \(person.token)"
            Output.talk(
                "next, on the engineer's machine: plimsoll cert request \(person.name) --token \(person.token)")
        }
        output.report(
            sentence,
            [
                "name": .string(person.name), "zone": .string(person.zone),
                "projects": .array(projects.map(JSONValue.string)),
                "token": .textOrNull(person.token),
            ])
    }
}

extension Plimsoll_V1_EnrolledEngineer: Listable {
    static var columns: [Column<Self>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("zone", "zone") { .string($0.zone) },
            Column("token, shown once", "token") { .textOrNull($0.token) },
        ]
    }
}

/// People as a file lists them: a name a line, then the zone of those who are new; `#` begins a remark.
enum PeopleFile {
    static func read(_ path: String) throws -> [Plimsoll_V1_NewEngineer] {
        let people = try parse(TextFile.read(path), path: path)
        guard !people.isEmpty else { throw CommandFailure(.wrongUse, "\(path) names nobody") }
        return people
    }

    static func parse(_ text: String, path: String) throws -> [Plimsoll_V1_NewEngineer] {
        var people: [Plimsoll_V1_NewEngineer] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            if words.isEmpty { continue }
            guard words.count <= 2 else {
                throw CommandFailure(.wrongUse, "\(path), line \(index + 1): a name and a zone are expected")
            }
            var person = Plimsoll_V1_NewEngineer()
            person.name = String(words[0])
            person.zone = words.count == 2 ? String(words[1]) : ""
            people.append(person)
        }
        return people
    }
}

import Coordinator
import Ledger
import PlimsollModel

/// What `doctor` is told of a coordinator's process: how many files it may open, and the named times and sizes that it
/// goes by. Those that do not fit together say what to do.
struct ProcessDiagnosis: Sendable {
    var times = CoordinatorConfiguration.Times.defaults
    var gatewayTimes = GatewayConfiguration.Times()
    var limits = GatewayConfiguration.Limits()
    /// Files that this process may open.
    var openFiles: @Sendable () -> UInt64 = { OpenFiles.limit().soft }

    /// Open files beside the workers' connections: those to the database, listeners, logs.
    static let otherFiles: UInt64 = 256

    func rows() -> [DiagnosisRow] { [openFilesRow()] + timeRows() + sizeRows() }

    private func openFilesRow() -> DiagnosisRow {
        let limit = openFiles()
        let finding = "up to \(limit) for \(limits.connectionsMax) connections"
        guard limit >= UInt64(limits.connectionsMax) + Self.otherFiles else {
            return DiagnosisRow(
                "coordinator's open files", .warning, "\(finding): workers beyond that are turned away",
                remedy: "set LimitNOFILE=65536 in its unit, or fewer `connections` under `limits`")
        }
        return DiagnosisRow("coordinator's open files", .ok, finding)
    }

    private func timeRows() -> [DiagnosisRow] {
        let life = MembershipSession.life
        return [
            time(
                "heartbeat", Self.text(times.heartbeat), isWell: times.heartbeat * 2 <= times.streamTimeToLive,
                "one late heartbeat ends a stream", "make stream_ttl at least twice the heartbeat"),
            time("stream TTL", "\(Self.text(times.streamTimeToLive)) after the last heartbeat, reconnecting included"),
            time(
                "coordinator life",
                "\(Self.text(life)), renewed every \(Self.text(times.lifeRenewal)); stops granting after "
                    + Self.text(times.selfStop),
                isWell: times.selfStop + .seconds(1) <= life && times.lifeRenewal < times.selfStop,
                "it may grant after others took over, or stop for one late renewal",
                "use the shipped times"),
            time(
                "cut off", "after \(Self.text(times.cutOff)) without the database workers are told to stop",
                isWell: times.cutOff > times.selfStop, "workers are told to stop for one late renewal",
                "use the shipped times"),
            time(
                "presenting", "\(Self.text(times.presenting)) after adoption",
                isWell: times.presenting >= times.heartbeat, "leases end before their workers can present them",
                "make presenting at least the heartbeat"),
            time(
                "lease length",
                "\(LeaseLength.effortFactor) times the effort estimate, at least \(Self.text(LeaseLength.shortest)), "
                    + "at most \(Self.text(LeaseLength.longest))"),
            time("deadline grace", Self.text(times.deadlineGrace)),
            time("handshake", Self.text(gatewayTimes.handshake)),
            time("hello", Self.text(gatewayTimes.hello)),
        ]
    }

    private func sizeRows() -> [DiagnosisRow] {
        [
            DiagnosisRow("size: connections a person", .ok, String(limits.connectionsPerPersonMax)),
            DiagnosisRow("size: leases in flight a stream", .ok, String(StreamLimits.inFlightMax)),
            DiagnosisRow("size: payload and answer", .ok, "\(StreamLimits.answerBytesMax / 1_024) KiB"),
        ]
    }

    private func time(
        _ name: String, _ value: String, isWell: Bool = true, _ trouble: String = "", _ remedy: String = ""
    ) -> DiagnosisRow {
        guard !isWell else { return DiagnosisRow("time: \(name)", .ok, value) }
        return DiagnosisRow("time: \(name)", .warning, "\(value): \(trouble)", remedy: remedy)
    }

    private static func text(_ duration: Duration) -> String {
        duration < .seconds(1) ? "\(duration.milliseconds) ms" : DurationText.format(duration)
    }
}

import PlimsollProtocol
import SwiftProtobuf

/// The made-up people of the demo and what they are asked to agree to.
enum DemoPeople {
    struct Engineer: Sendable {
        let name: String
        let zone: String
        var projects = DemoProject.shared
        /// What they set for themselves. Only the engineer opens their quiet hours, and the demo must not depend on the
        /// hour.
        var limits = "quiet-hours: none\n"
    }

    /// Says no to the notice.
    static let refuses = "jon"
    /// Has set a short continuous time for herself, and comes to a break.
    static let rests = "ida"
    /// Agrees, works, and takes it back in the end.
    static let withdraws = "eli"

    /// Spread over the zones, since nothing here may depend on the hour.
    static let engineers = [
        Engineer(name: "ana", zone: "Europe/Lisbon"), Engineer(name: "ben", zone: "America/Chicago"),
        Engineer(name: "chi", zone: "Africa/Lagos"), Engineer(name: "dov", zone: "Asia/Jerusalem"),
        Engineer(name: "eli", zone: "America/Sao_Paulo"), Engineer(name: "fay", zone: "Australia/Adelaide"),
        Engineer(name: "gus", zone: "Europe/Oslo"), Engineer(name: "hana", zone: "Asia/Tokyo"),
        Engineer(
            name: rests, zone: "America/Halifax", projects: [DemoProject.glances],
            limits: "quiet-hours: none\ncontinuous-time: 15s\n"),
        Engineer(name: refuses, zone: "Pacific/Auckland"),
    ]

    /// The purpose that every project of the demo needs.
    static let purpose = "taking-part"

    static let notice = Plimsoll_V1_NoticeDocument.with {
        $0.id = "taking-part"
        $0.version = 1
        $0.locale = "en"
        $0.purpose = purpose
        $0.text = """
            You are asked to answer made-up tasks for a demonstration. Taking part is your choice: you can refuse \
            now, decline any single task, and withdraw later, each without a reason and at no cost.
            """
        $0.data = "your answers and the date of each; no times, no keystrokes"
        $0.recipients = "whoever looks at this machine's demonstration"
        $0.retention = "until the demonstration is run again"
        $0.withdrawalMethod = "plimsoll consent withdraw \(purpose)"
        $0.alternativeOffered = "watching"
        $0.assessment = "impact assessment of the demonstration"
        $0.assessmentOn = "2026-01-05"
        $0.consultation = "nobody works here: its people are made up"
        $0.consultationOn = "2026-01-12"
        $0.validityDays = 90
        $0.material = true
    }

    static func enrolment(_ engineer: Engineer) -> Plimsoll_V1_EnrolEngineerRequest {
        .with {
            $0.name = engineer.name
            $0.zone = engineer.zone
            $0.projects = engineer.projects
            $0.rule = "demonstration, version 1: everybody who was made up for it"
            $0.dataUsed = "none"
            $0.decidedBy = DeploymentFiles.operatorName
            $0.alternativeOffered = "watching"
            $0.token = true
        }
    }
}

import Ledger
import PlimsollModel
import PlimsollProtocol
import QualityReview
import SwiftProtobuf

extension Plimsoll_V1_PolicyPlan {
    init(_ plan: PolicyPlan, _ frame: PlanFrame, smallestGroup: Int) {
        self.init()
        inForce = frame.inForce.version
        inForceDocument = frame.inForce.document
        asOfMicroseconds = frame.now.microseconds
        untilMicroseconds = frame.midnight.microseconds
        leaseDays = UInt32(PolicyPlanner.leaseDays)
        timeDays = UInt32(PolicyPlanner.timeDays)
        self.smallestGroup = UInt32(clamping: smallestGroup)
        let projects = frame.projects + frame.closed.values
        let names = Dictionary(uniqueKeysWithValues: projects.map { ($0.id, $0.name) })
        capacity = plan.capacity.map { capacity in
            .with {
                $0.project = capacity.project.map { names[$0] ?? "" } ?? ""
                $0.people = .init(capacity.people)
                $0.mayBeLeased = .init(capacity.mayBeLeased)
                $0.hoursToday = .init(capacity.hoursToday)
                $0.hoursThisWeek = .init(capacity.hoursThisWeek)
            }
        }
        leases = .init(plan.leases)
        refused = plan.refused.map { .init($0) }
        refusedInAll = .init(plan.refusedInAll)
        hours = .init(plan.hours)
        beyond = plan.beyond.map { .init($0) }
        beyondInAll = .init(plan.beyondInAll)
        plansLeft = UInt32(clamping: frame.plansLeft)
    }
}

extension Plimsoll_V1_PlanRefused {
    fileprivate init(_ refused: PolicyPlan.Refused) {
        self.init()
        rule = refused.rule.rawValue
        figure = .init(refused.figure)
    }
}

extension Plimsoll_V1_PlanPair {
    fileprivate init(_ pair: PolicyPlan.Pair) {
        self.init()
        inForce = .init(pair.inForce)
        proposed = .init(pair.proposed)
    }
}

extension Plimsoll_V1_PlanFigure {
    fileprivate init(_ figure: ShownFigure) {
        self.init()
        switch figure {
        case .about(let value, let step):
            self.value = UInt64(clamping: value)
            self.step = UInt64(clamping: step)
        case .hidden(let reason): hidden = reason.rawValue
        }
    }
}

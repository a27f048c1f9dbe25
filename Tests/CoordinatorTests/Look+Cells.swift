import Coordinator
import Ledger
import PlimsollModel
import TestSupport
import Testing

/// What each cell of a look is made of, by what happened; and that it is what it says.
extension Look {
    /// The cells of all projects, with whatever is not as it happened.
    func cells(in week: MadeUpWeek) -> (cells: [PublishedCell], faults: [String]) {
        var cells: [PublishedCell] = []
        var faults: [String] = []
        for project in members.keys.sorted() {
            guard let status = statuses[project] else {
                faults.append("nothing is said of \(project)")
                continue
            }
            let part = ProjectPart(look: self, week: week, project: project, status: status)
            cells += part.counts + part.rate
            faults += part.faults
        }
        cells += throughputCells(in: week)
        faults += cells.filter { !$0.isTrue }.map { "\($0) is not what happened" }
        // Who has not agreed is told of in the same words, whoever it is.
        if refusals.count > 1 { faults.append("refused in different words: \(refusals)") }
        return (cells, faults)
    }

    /// Labels of somebody who lets their supervisor see them, by day: never sharp, whoever else was at work.
    private func throughputCells(in week: MadeUpWeek) -> [PublishedCell] {
        throughput.flatMap { person, counts in
            counts.map { count in
                PublishedCell(
                    view: .throughput, project: count.project, figure: "labels of \(person) on \(count.day)", at: at,
                    value: count.labels,
                    basis: .init(
                        plus: week.set(upTo: deeds) {
                            $0.person == person && $0.project == count.project && $0.what == .answer
                                && Int64(count.day.rawValue) == $0.at.seconds / 86_400
                        }, isSharp: false))
            }
        }
    }
}

extension MadeUpWeek {
    /// Those of the first `count` deeds that are meant.
    func set(upTo count: Int, _ isMeant: (Deed) -> Bool) -> DeedSet {
        DeedSet(deeds.prefix(count).indices.filter { isMeant(deeds[$0]) })
    }

    /// Of each deed, the number of who did it.
    var doers: [Int] {
        let names = Set(deeds.map(\.person)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: zip(names, 0...))
        return deeds.map { numbers[$0.person] ?? 0 }
    }
}

/// One project of a look.
private struct ProjectPart {
    let look: Look
    let week: MadeUpWeek
    let project: String
    let status: QueueStatus
    /// What is counted, as the view says: all deeds until now, or those before the hour.
    private let cut: Int
    private let isSharp: Bool
    private let crowd: Int

    init(look: Look, week: MadeUpWeek, project: String, status: QueueStatus) {
        self.look = look
        self.week = week
        self.project = project
        self.status = status
        cut = status.isCoarse ? min(look.deeds, week.count(before: look.at.fullHour)) : look.deeds
        crowd = week.atWork(project, in: look.at, count: look.deeds).count
        isSharp = !status.isCoarse && crowd < MadeUpWeek.k
    }

    private func those(_ what: Deed.What...) -> DeedSet {
        week.set(upTo: cut) { $0.project == project && what.contains($0.what) }
    }

    private func cell(
        _ view: SupervisorView, _ figure: String, _ value: Int, _ plus: DeedSet, _ minus: DeedSet = DeedSet(),
        isSharp: Bool? = nil
    ) -> PublishedCell {
        PublishedCell(
            view: view, project: project, figure: figure, at: look.at, value: value,
            basis: .init(plus: plus, minus: minus, isSharp: isSharp ?? self.isSharp))
    }

    // MARK: Counts

    /// Of queue status, of the leases and of the tasks, which must be of the same moment.
    var counts: [PublishedCell] {
        let labels = (look.tasks[project]?[.whole] ?? []).reduce(0) { $0 + $1.labels }
        return [
            cell(.queueStatus, "leased", Int(status.leased), those(.take), those(.answer, .park, .release, .decline)),
            cell(.queueStatus, "parked", Int(status.parked), those(.park)),
            cell(.queueStatus, "done", Int(status.done), those(.answer)),
            cell(
                .queueStatus, "waiting less all", Int(status.waiting) - MadeUpWeek.tasks, those(.release, .decline),
                those(.take)),
            cell(
                .leases, "rows", look.leases[project]?.count ?? 0, those(.take), those(.answer, .release, .decline)),
            cell(.tasks, "labels", labels, those(.answer)),
        ]
    }

    // MARK: Rates

    /// A rate whose window begins and ends with full hours is made of whole hours. One that does not is sharp where few
    /// were at work in the hour in which it begins: each minute one minute's labels drop out of it.
    var rate: [PublishedCell] {
        guard let rate = status.rate else { return [] }
        let window = rate.window
        let hours = Double(window.components.seconds) / 3_600
        let labels = Int((rate.labelsPerHour * hours).rounded())
        func answers(_ from: Moment, _ to: Moment) -> DeedSet {
            week.set(upTo: look.folded) {
                $0.project == project && $0.what == .answer && $0.at.fullMinute >= from && $0.at < to
            }
        }
        let end = status.isCoarse ? look.at.fullHour : look.at
        let begin = Moment(seconds: (end - window + .milliseconds(500)).seconds)
        let isWhole = begin == begin.fullHour
        let there = week.atWork(project, in: begin, count: week.count(before: begin.fullHour + .hours(1))).count
        return [
            cell(
                .queueStatus, "rate times window", labels,
                answers(begin, end + (status.isCoarse ? .zero : .seconds(1))),
                isSharp: isSharp || !isWhole && there < MadeUpWeek.k)
        ]
    }

    // MARK: Rows

    /// Everything of single leases and tasks that is not a function of what happened until the cut.
    var faults: [String] {
        var faults: [String] = []
        func fault(_ what: String) { faults.append("\(project) at \(look.at.rfc3339), \(crowd) at work: \(what)") }
        if status.isCoarse != (crowd < MadeUpWeek.k) { fault("exact or not is not by how many are at work") }
        if status.late != 0 || status.quarantined != 0 { fault("late or quarantined") }
        if status.oldestWaiting != look.at - week.start { fault("the oldest is not that of the import") }
        let facts = Facts(week.deeds.prefix(cut).filter { $0.project == project })
        let now = status.isCoarse ? look.at.fullHour : look.at
        let leases = look.leases[project] ?? []
        let aged = Dictionary(leases.map { ($0.key, $0.age) }) { first, _ in first }
        if aged != facts.taken.mapValues({ now - $0 }) { fault("the leases are \(leases)") }
        for lease in leases
        where lease.isCoarse != status.isCoarse || (lease.untilDeadline == nil) != status.isCoarse
            || lease.isParked != (!status.isCoarse && facts.parked.contains(lease.key)) || lease.deliveriesFailed != 0
        {
            fault("\(lease)")
        }
        let isHeld = { (key: String) in !status.isCoarse && facts.taken[key] != nil }
        let keys = (0..<MadeUpWeek.tasks).map { "t\($0)" }
        let whole = look.tasks[project]?[.whole] ?? []
        if whole.map(\.key) != keys { fault("these tasks are listed: \(whole.map(\.key))") }
        for task in whole
        where task.labels != (facts.answered.contains(task.key) ? 1 : 0) || task.leases != (isHeld(task.key) ? 1 : 0)
            || task.deliveriesFailed != 0
        {
            fault("\(task)")
        }
        let waiting = look.tasks[project]?[.waiting]?.map(\.key) ?? []
        if waiting != keys.filter({ !facts.answered.contains($0) && !isHeld($0) }) { fault("\(waiting) wait") }
        let done = look.tasks[project]?[.firstDone]?.map(\.key) ?? []
        if done != Array(keys.filter { facts.answered.contains($0) }.prefix(1)) { fault("\(done) is the first done") }
        return faults
    }

    /// How the tasks of a project stood after some deeds.
    private struct Facts {
        /// Held or parked, since when.
        var taken: [String: Moment] = [:]
        var parked: Set<String> = []
        var answered: Set<String> = []

        init(_ deeds: [Deed]) {
            for deed in deeds {
                switch deed.what {
                case .take: taken[deed.task] = deed.at
                case .park: parked.insert(deed.task)
                case .answer:
                    taken[deed.task] = nil
                    answered.insert(deed.task)
                case .release, .decline: taken[deed.task] = nil
                }
            }
        }
    }
}

import PlimsollModel
import WorkerKit

/// Keys on the page of what is held of a person and what they may say.
extension ScreenState {
    mutating func chosen(_ key: Key, _ own: inout OwnPage) -> [Action] {
        defer { pageScroll = 0 }
        switch (own.step, key) {
        case (.choosing, .character(let character)):
            guard let digit = character.wholeNumberValue else { break }
            if let topic = OwnPage.Topic(rawValue: digit - 1) {
                own.step = .shown(topic, .asked)
                page = .own(own)
                return [.fetchOwn(topic)]
            }
            if digit == OwnPage.concernDigit {
                page = nil
                return [.writeConcern(project: own.project, begun: unsentConcern)]
            }
            if digit == OwnPage.cordDigit, let project = own.project {
                own.step = .confirmingCord(project)
                page = .own(own)
                return []
            }
        case (.confirmingCord(let project), .character("y")):
            page = nil
            message = "the cord of \(project): being sent"
            return [.pullCord(project)]
        case (.shown, _), (.confirmingCord, _):
            own.step = .choosing
            page = .own(own)
            return []
        default: break
        }
        page = nil
        return []
    }

    /// Nothing where the person has left the page meanwhile.
    mutating func fetched(own topic: OwnPage.Topic, _ fetched: ScreenPage.Fetched) {
        guard case .own(var own)? = page, case .shown(topic, _) = own.step else { return }
        own.step = .shown(topic, fetched)
        page = .own(own)
    }

    /// The editor is closed; nothing written is nothing raised.
    mutating func wroteConcern(_ text: String?, about project: String?) -> [Action] {
        guard let text, text.contains(where: { !$0.isWhitespace }) else {
            message = "no concern was raised"
            if text != nil { unsentConcern = "" }
            return []
        }
        unsentConcern = text
        message = "your concern: being sent"
        return [.raiseConcern(text, project: project)]
    }

    mutating func raised(concern: String, _ words: String) {
        if unsentConcern == concern { unsentConcern = "" }
        say(words)
    }

    mutating func didNotRaise(concern: String, _ words: String) {
        if unsentConcern.isEmpty { unsentConcern = concern }
        say("\(words); your text is kept while this screen is open: m, then \(OwnPage.concernDigit)")
    }
}

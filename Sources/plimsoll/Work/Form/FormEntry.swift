import PlimsollModel

/// A form being filled in: values, the item in focus, and digits that are not a whole choice yet.
struct FormEntry: Sendable, Equatable {
    let form: AnswerForm
    private(set) var values: [Int: JSONValue] = [:]
    private(set) var focus = 0
    /// Characters typed into a number, or digits of a choice with more than nine options.
    private(set) var typed = ""
    /// What the coordinator or this screen found wrong, by item.
    var problems: [Int: String] = [:]

    /// The longest number that can be typed.
    static let typedMax = 24

    init(_ form: AnswerForm, values: [Int: JSONValue] = [:]) {
        self.form = form
        self.values = values.filter { form.items.indices.contains($0.key) }
    }

    var item: AnswerForm.Item? { form.items.indices.contains(focus) ? form.items[focus] : nil }
    var isEmpty: Bool { values.isEmpty && typed.isEmpty }
    var answer: JSONValue { form.answer(values) }

    /// Moves the focus, around the ends.
    mutating func move(_ step: Int) {
        guard !form.items.isEmpty else { return }
        commitTyped()
        focus = ((focus + step) % form.items.count + form.items.count) % form.items.count
    }

    /// The first item that hinders sending gets the focus; nil when nothing does.
    mutating func findProblems() -> String? {
        commitTyped()
        problems = form.problems(values)
        guard let index = problems.keys.min() else { return nil }
        focus = index
        return "\(form.items[index].title): \(problems[index] ?? "")"
    }

    mutating func set(_ value: JSONValue?, at index: Int? = nil) {
        let index = index ?? focus
        values[index] = value
        problems[index] = nil
    }

    mutating func focus(on index: Int) {
        guard form.items.indices.contains(index) else { return }
        focus = index
        typed = ""
    }

    /// Clears the item in focus.
    mutating func clear() {
        typed = ""
        set(nil)
    }

    /// Takes a character that belongs to the item in focus; false when it does not.
    mutating func type(_ character: Character) -> Bool {
        switch item?.field {
        case .choice(let options): return typeDigit(character, of: options.count) { $0.set(options[$1]) }
        case .choices(let options, _, _): return typeDigit(character, of: options.count) { $0.toggle(options[$1]) }
        case .number:
            guard typed.count < Self.typedMax, character.isASCII, character.isNumber || "+-.".contains(character) else {
                return false
            }
            if typed.isEmpty { set(nil) }
            typed.append(character)
            setNumber()
            return true
        default: return false
        }
    }

    mutating func backspace() {
        if !typed.isEmpty {
            typed.removeLast()
            if case .number = item?.field { setNumber() }
        } else {
            set(nil)
        }
    }

    /// Takes what is typed as it is: the end of a number or of a choice with fewer digits than the largest.
    mutating func commitTyped() {
        defer { typed = "" }
        guard let number = Int(typed) else { return }
        switch item?.field {
        case .choice(let options) where options.indices.contains(number - 1): set(options[number - 1])
        case .choices(let options, _, _) where options.indices.contains(number - 1): toggle(options[number - 1])
        default: break
        }
    }

    // MARK: - Steps

    private mutating func typeDigit(
        _ character: Character, of count: Int, choose: (inout FormEntry, Int) -> Void
    ) -> Bool {
        guard character.isASCII, let digit = character.wholeNumberValue else { return false }
        guard let number = Int(typed + String(digit)), (1...max(1, count)).contains(number), number <= count else {
            typed = ""
            return true
        }
        // Another digit could still mean another option.
        if number * 10 <= count {
            typed = String(number)
        } else {
            typed = ""
            choose(&self, number - 1)
        }
        return true
    }

    private mutating func toggle(_ option: JSONValue) {
        guard case .choices(let options, _, _) = item?.field else { return }
        var chosen = values[focus]?.arrayValue ?? []
        if let index = chosen.firstIndex(of: option) { chosen.remove(at: index) } else { chosen.append(option) }
        // In the schema's order, so that the same choice is the same answer.
        let ordered = options.filter { chosen.contains($0) }
        set(ordered.isEmpty ? nil : .array(ordered))
    }

    private mutating func setNumber() {
        let text = typed.hasPrefix("+") ? String(typed.dropFirst()) : typed
        set((try? JSONValue.parse(text)).flatMap { $0.numberValue == nil ? nil : $0 })
    }
}

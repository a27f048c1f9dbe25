public import Coordinator

extension Coordinator: WorkDispatch {}

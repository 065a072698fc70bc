/// An answer other than yes, with the HTTP status it becomes.
struct RefusedRequest: Error, CustomStringConvertible {
    enum Status: Int {
        case badRequest = 400, forbidden = 403, notFound = 404, conflict = 409, unprocessable = 422
    }

    var status: Status
    var description: String
    var hint: String?

    init(_ status: Status, _ description: String, hint: String? = nil) {
        (self.status, self.description, self.hint) = (status, description, hint)
    }
}

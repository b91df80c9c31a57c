package sandbox

import "net/http"

// paymentError is one row of the error table of the bank's page. That its
// three values travel in this JSON object is our choice.
type paymentError struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Message string `json:"message"`

	status int
}

// The error table, word for word and in its order.
var (
	errBadRequest           = row(400, "BadRequest", "000", "Your request could not be processed")
	errInvalidProduct       = row(400, "InvalidAccountProduct", "100", "Invalid account for 3rd party transfer")
	errNonISKAmount         = row(400, "NonISKAmount", "101", "Only ISK payments are supported")
	errInvalidInitiationID  = row(400, "InvalidInitationId", "102", "Initiation Id cannot be empty string")
	errZeroOrNegative       = row(400, "ZeroOrNegativeAmount", "103", "The payment amount cannot be zero or negative")
	errOverDailyAmount      = row(400, "OverDailyAmount", "104", "User exceeded daily amount limit")
	errAmountUnavailable    = row(400, "AmountUnavailable", "105", "The payment amount requested is not available in the debtor account")
	errRequestIDMissing     = row(400, "RequestIdHeaderMissing", "106", "x-request-id header is missing from request")
	errInvalidRequestHeader = row(400, "InvalidRequestHeader", "107", "x-request-id header is invalid")

	errUnauthorized    = row(401, "Unauthorized", "000", "You are unauthorized to perform this action")
	errAccountDenied   = row(401, "AccountAccessDenied", "110", "Debtor account kennitala does not match user's kennitala")
	errNotAuthedToPost = row(401, "NotAuthorizedToPost", "111", "User is not authorized to create initiation")
	errNotAuthedToGet  = row(401, "NotAuthorizedToGet", "112", "User is unathorized to get initation")

	errNotFound           = row(404, "NotFound", "000", "Resource not found")
	errInitiationNotFound = row(404, "InitiationNotFound", "120", "Initiation not found")
	errDebtorNotFound     = row(404, "DebtorAccountNotFound", "121", "Debtor account not found")

	errInternal = row(500, "InternalServerError", "000", "Internal Server Error")
)

func row(status int, name, number, message string) *paymentError {
	return &paymentError{Code: "ERR_80102_" + number, Name: name, Message: message, status: status}
}

// genericError is the table's generic row for a status, or the text of HTTP
// in its shape for a status that the table does not have.
func genericError(status int) *paymentError {
	for _, e := range []*paymentError{errBadRequest, errUnauthorized, errNotFound, errInternal} {
		if e.status == status {
			return e
		}
	}
	return row(status, "Unavailable", "000", http.StatusText(status))
}

func writePaymentError(w http.ResponseWriter, e *paymentError) {
	if e == errUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	writeJSON(w, e.status, e)
}

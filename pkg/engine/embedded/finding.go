package embedded

// Finding is one thing that the embedded BuildKit needs.
type Finding struct {
	Name    string
	Have    string // what was found
	Problem string // what is missing; "" if nothing is
	Fix     string
}

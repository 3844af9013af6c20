package embedded

// Finding is one thing that the embedded BuildKit needs.
type Finding struct {
	Name    string
	Have    string // what was found
	Problem string // what is wrong; "" if nothing is
	Fix     string
	Works   bool // in spite of the problem
}

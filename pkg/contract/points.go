package contract

// Points are the titles of the contract's points, by their numbers.
func Points() []string {
	return []string{
		1: "Files", 2: "README", 3: "Base image", 4: "User and group", 5: "Folders", 6: "Scripts are executable",
		7: "Command", 8: "The server is not root", 9: "build.sh", 10: "Dependencies",
		11: "The executable of compiled runtimes", 12: "A failed build fails", 13: "launch.sh", 14: "Port and method",
		15: "The challenge", 16: "The request", 17: "The response", 18: "Errors of functions", 19: "The error object",
		20: "Requests are apart", 21: "Registry entry", 22: "Scripts that build images", 23: "Platforms", 24: "Fixture",
		25: "Packages", 26: "The executor's own test",
	}
}

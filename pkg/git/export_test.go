package git

// ParseTree makes a tree, whose files cannot be read, of what ls-tree prints.
func ParseTree(listing []byte) (*Tree, error) {
	return newTree(listing, nil)
}

// SplitLog splits what git log prints.
var SplitLog = splitLog

// hello.go: Go's runtime starts, collects garbage, and ends.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
)

type node struct {
	left, right *node
	value       int
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{value: 1}
	}
	return &node{tree(depth - 1), tree(depth - 1), depth}
}

func (n *node) sum() int {
	if n == nil {
		return 0
	}
	return n.left.sum() + n.right.sum() + n.value
}

func recovered() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	var p *node
	return fmt.Errorf("no fault: %d", p.value)
}

func main() {
	fmt.Println("Hello from", runtime.Version()[:6], runtime.GOOS, runtime.GOARCH)
	fmt.Println(strings.Join(os.Args[1:], ","))
	total := 0
	for i := 0; i < 20; i++ {
		total += tree(14).sum()
	}
	runtime.GC()
	fmt.Println(total)
	fmt.Println(recovered())
	m := map[string]int{"a": 1, "b": 2, "c": 3}
	keys := make([]string, 0)
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	fmt.Println(keys, m)
	fmt.Fprintln(os.Stderr, "to standard error")
	os.Exit(3)
}

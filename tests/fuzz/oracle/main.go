// Command oracle says what etcd itself makes of a log and its snapshots: it takes the steps that
// etcd takes at start, with etcd's own packages, up to where the log has been read.
//
// It reads questions from stdin, "boot DIR" or "zero DIR", and answers each with a line of JSON:
// what etcd reads at start, or what it would read from the log's very beginning, without any
// snapshot. The directory is written to, as etcd does when it repairs a log: give it copies.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// answer is what came of one directory. Entries counts those behind the snapshot that etcd
// starts from, Digest is over all of them; Undecodable are those that it could not apply.
type answer struct {
	Outcome     string   `json:"outcome"`
	Text        string   `json:"text"`
	Start       uint64   `json:"start"`
	Entries     int      `json:"entries"`
	Digest      string   `json:"digest"`
	Commit      uint64   `json:"commit"`
	Undecodable []uint64 `json:"undecodable"`
}

type entry struct {
	index, term, kind uint64
	data              []byte
	err               error
}

func main() {
	lg := zap.NewNop().WithOptions(zap.OnFatal(zapcore.WriteThenPanic))
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		question, dir, _ := strings.Cut(in.Text(), " ")
		line, err := json.Marshal(read(lg, dir, question == "zero"))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}

func read(lg *zap.Logger, dir string, fromZero bool) (found answer) {
	defer func() {
		if err := recover(); err != nil {
			found = answer{Outcome: "panicked", Text: fmt.Sprint(err)}
		}
	}()
	wal, snap := filepath.Join(dir, "member", "wal"), filepath.Join(dir, "member", "snap")
	start, err := startOf(lg, wal, snap)
	if fromZero {
		start, err = zero(), nil
	}
	if err != nil {
		return answer{Outcome: "refused", Text: err.Error()}
	}
	outcome := "accepted"
	entries, commit, err := start.readAll(lg, wal)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		if !repair(lg, wal) {
			return answer{Outcome: "refused", Text: "cannot be repaired"}
		}
		outcome = "repaired"
		entries, commit, err = start.readAll(lg, wal)
	}
	if err != nil {
		return answer{Outcome: "refused", Text: err.Error()}
	}
	found = answer{Outcome: outcome, Start: start.index(), Entries: len(entries), Commit: commit}
	found.Digest, found.Undecodable = digest(entries)
	return found
}

func digest(entries []entry) (string, []uint64) {
	sum, undecodable := sha256.New(), []uint64{}
	for _, e := range entries {
		for _, number := range []uint64{e.index, e.term, e.kind, uint64(len(e.data))} {
			binary.Write(sum, binary.BigEndian, number)
		}
		sum.Write(e.data)
		if e.err != nil {
			undecodable = append(undecodable, e.index)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), undecodable
}

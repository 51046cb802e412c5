//go:build etcd37

package main

import (
	"encoding/json"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

type start struct{ mark *walpb.Snapshot }

// Source: server/etcdserver/bootstrap.go (recoverSnapshot): 3.7 reads no .snap file any more.
func startOf(lg *zap.Logger, walDir, _ string) (start, error) {
	marks, err := wal.ValidSnapshotEntries(lg, walDir)
	if err != nil {
		return start{}, err
	}
	if len(marks) == 0 {
		return zero(), nil
	}
	last := marks[len(marks)-1]
	index, term := last.GetIndex(), last.GetTerm()
	return start{&walpb.Snapshot{Index: &index, Term: &term}}, nil
}

func zero() start { return start{&walpb.Snapshot{}} }

func (s start) index() uint64 { return s.mark.GetIndex() }

func (s start) readAll(lg *zap.Logger, walDir string) ([]entry, uint64, error) {
	w, err := wal.Open(lg, walDir, s.mark)
	if err != nil {
		return nil, 0, err
	}
	defer w.Close()
	metadata, state, read, err := w.ReadAll()
	if err != nil {
		return nil, 0, err
	}
	if err := proto.Unmarshal(metadata, new(pb.Metadata)); err != nil {
		return nil, 0, err
	}
	entries := make([]entry, 0, len(read))
	for _, e := range read {
		entries = append(entries, entry{
			e.GetIndex(), e.GetTerm(), uint64(e.GetType()), e.GetData(), applicable(e),
		})
	}
	return entries, state.GetCommit(), nil
}

func repair(lg *zap.Logger, walDir string) bool { return wal.Repair(lg, walDir) }

// Source: server/etcdserver/server.go (applyEntryNormal, applyConfChange).
func applicable(e *raftpb.Entry) error {
	if e.GetType() == raftpb.EntryNormal {
		if len(e.GetData()) == 0 {
			return nil
		}
		return proto.Unmarshal(e.GetData(), new(pb.InternalRaftRequest))
	}
	var change raftpb.ConfChange
	if err := proto.Unmarshal(e.GetData(), &change); err != nil {
		return err
	}
	if change.GetType() == raftpb.ConfChangeRemoveNode || len(change.GetContext()) == 0 {
		return nil
	}
	return json.Unmarshal(change.GetContext(), new(membership.ConfigChangeContext))
}

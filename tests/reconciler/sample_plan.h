#pragma once

#include <string>

#include "reconciler/plan.h"

/// A plan that has one of everything, for the tests of its forms.
namespace metalwright::reconciler {

inline Change sample_change(std::string kind, std::string name, Action action, Reason reason,
                            Origin origin) {
  Change change;
  change.target = "tftp";
  change.kind = std::move(kind);
  change.name = std::move(name);
  change.action = action;
  change.reason = reason;
  change.origin = std::move(origin);
  if (action != Action::create) change.observed = sha256("before " + change.name);
  if (action != Action::remove && action != Action::forget) {
    change.desired = sha256("after " + change.name);
  }
  return change;
}

inline Plan sample_plan() {
  Plan plan;
  plan.revision = "3f2a9c14d0b7e5f1a6c8d2e4b9f07a31c5d8e6f2";
  plan.observed_digest = sha256("observed");
  plan.resources = 60000;

  Change created = sample_change("file", "pxelinux.cfg/01-52-54-00-00-00-01", Action::create,
                                 Reason::added, {"inventory.yaml", 12, 3});
  created.server = "orion";
  created.fields = {{"content", "", "# generated\nDEFAULT local\n"}, {"mode", "", "0644"}};

  Change menu = sample_change("file", "pxelinux.cfg/default", Action::update, Reason::changed,
                              {"profiles/rescue.yaml", 1, 1});
  menu.fields = {
      {"content",
       "# generated from profiles/\nPROMPT 0\nTIMEOUT 50\nDEFAULT local\n\nLABEL local\n"
       "  LOCALBOOT 0\n",
       "# generated from profiles/\nPROMPT 0\nTIMEOUT 50\nDEFAULT rescue\n\nLABEL local\n"
       "  LOCALBOOT 0\n\nLABEL rescue\n  KERNEL vmlinuz\n"},
      {"mode", "0600", "0644"}};

  Change secret = sample_change("file", "orion/etc/netplan/99-metalwright.yaml", Action::update,
                                Reason::drift_changed, {"inventory.yaml", 40, 5});
  secret.target = "nodes";
  secret.server = "orion";
  secret.fields = {{"content", "(secret)", "(secret)"}};

  Change host = sample_change("host", "lab/52:54:00:00:00:01", Action::create, Reason::added,
                              {"inventory.yaml", 14, 9});
  host.target = "dhcp";
  host.server = "orion";
  host.fields = {{"content", "", "52:54:00:00:00:01,192.168.1.141,orion,3600"},
                 {"mode", "", "0644"}};
  Change host_update = sample_change("host", "lab/52:54:00:00:00:02", Action::update,
                                     Reason::changed, {"inventory.yaml", 30, 9});
  host_update.target = "dhcp";
  host_update.server = "rigel";
  host_update.fields = {{"content", "52:54:00:00:00:02,192.168.1.142,rigel,3600",
                         "52:54:00:00:00:02,192.168.1.150,rigel,3600"}};

  const Change removed = sample_change("file", "pxelinux.cfg/01-52-54-00-00-00-09", Action::remove,
                                       Reason::removed, {"inventory.yaml", 55, 3});
  const Change adopted = sample_change("file", "undionly.kpxe", Action::adopt, Reason::identical,
                                       {"networks.yaml", 1, 1});
  const Change gone = sample_change("file", "pxelinux.cfg/old", Action::forget, Reason::gone, {});
  Change moved = sample_change("file", "ipxe/52-54-00-00-00-05.ipxe", Action::update, Reason::moved,
                               {"inventory.yaml", 70, 3});
  moved.moved_from = "ipxe/52-54-00-00-00-04.ipxe";

  plan.changes = {created, menu, moved, adopted, removed, gone, host, host_update, secret};

  Change reported = sample_change("file", "menu.ipxe", Action::update, Reason::drift_changed,
                                  {"profiles/rescue.yaml", 1, 1});
  reported.fields = {{"content", "#!ipxe\nshell\n", "#!ipxe\nexit\n"}};
  plan.drift = {secret, reported,
                sample_change("file", "grub/grub.cfg", Action::create, Reason::drift_deleted, {})};
  plan.conflicts = {{"tftp",
                     "file",
                     "efi64/grub.cfg",
                     "something that metalwright did not make is there; move it away, or let the "
                     "target take it over with 'adopt: true'",
                     {"networks.yaml", 1, 1}}};
  plan.left_out = {{"netbox", "suspended", "netbox: moving to another host"},
                   {"edge-1", "unavailable", "error: no answer from https://192.0.2.1 [http]"}};
  Error warning;
  warning.severity = Severity::warning;
  warning.check = "even-control-planes";
  warning.message = "clusters.lab: 2 control-plane nodes: an odd number survives more";
  warning.origin = {"clusters/lab.yaml", 2, 1};
  warning.context = {"while checking cluster lab"};
  plan.warnings = {warning};
  return plan;
}

}  // namespace metalwright::reconciler

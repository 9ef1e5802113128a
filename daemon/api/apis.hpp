// SPDX-License-Identifier: Apache-2.0
// The groups of calls. None knows another.
#pragma once

#include "daemon/api/audit_api.hpp"
#include "daemon/api/card_api.hpp"
#include "daemon/api/certificate_api.hpp"
#include "daemon/api/declaration_api.hpp"
#include "daemon/api/delegation_api.hpp"
#include "daemon/api/downtime_api.hpp"
#include "daemon/api/enrolment_api.hpp"
#include "daemon/api/fault_api.hpp"
#include "daemon/api/form_api.hpp"
#include "daemon/api/import_api.hpp"
#include "daemon/api/login_api.hpp"
#include "daemon/api/notice_api.hpp"
#include "daemon/api/password_api.hpp"
#include "daemon/api/people_api.hpp"
#include "daemon/api/policy_api.hpp"
#include "daemon/api/pool_api.hpp"
#include "daemon/api/register_api.hpp"
#include "daemon/api/removal_api.hpp"
#include "daemon/api/report_api.hpp"
#include "daemon/api/session_api.hpp"
#include "daemon/api/set_up_api.hpp"
#include "daemon/api/sign_in_api.hpp"
#include "daemon/api/staff_api.hpp"
#include "daemon/api/status_api.hpp"
#include "daemon/api/token_api.hpp"
#include "daemon/api/token_key_api.hpp"
#include "daemon/api/training_api.hpp"
#include "daemon/api/unblock_api.hpp"

namespace cardgate::daemon {

struct Apis {
  StatusApi status;
  SessionApi session;
  LoginApi login;
  SignInApi sign_in;
  PasswordApi password;
  EnrolmentApi enrolment;
  CardApi card;
  TokenApi token;
  TokenKeyApi token_keys;
  PeopleApi people;
  FormApi form;
  DeclarationApi declaration;
  TrainingApi training;
  DelegationApi delegation;
  RemovalApi removal;
  StaffApi staff;
  PoolApi pool;
  UnblockApi unblock;
  NoticeApi notice;
  DowntimeApi downtime;
  FaultApi fault;
  SetUpApi set_up;
  ImportApi imports;
  RegisterApi registry;
  PolicyApi policy;
  ReportApi report;
  CertificateApi certificate;
  AuditApi audit;
};

}  // namespace cardgate::daemon

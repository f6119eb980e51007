package router

import "testing"

// What the core has to do in each failure mode of the specification, as scripts that are
// read in review: testdata/fm, one file for each.

func fm(t *testing.T, id string) {
	t.Helper()
	runScript(t, "testdata/fm/"+id+".txt")
}

func TestFM01DuplicateFillChangesNothing(t *testing.T)          { fm(t, "01") }
func TestFM02OtherContentUnderAnExecIDQuarantines(t *testing.T) { fm(t, "02") }
func TestFM03FillsOutOfOrderCountOnce(t *testing.T)             { fm(t, "03") }
func TestFM04MissingExecutionStopsNewOrdersThere(t *testing.T)  { fm(t, "04") }
func TestFM05FillAcknowledges(t *testing.T)                     { fm(t, "05") }
func TestFM06LateFillCancelsSiblingsAndGoesOn(t *testing.T)     { fm(t, "06") }
func TestFM07OverExecutionIsBookedAndFreezes(t *testing.T)      { fm(t, "07") }
func TestFM08CanceledWithMissingFillHolds(t *testing.T)         { fm(t, "08") }
func TestFM09CanceledWithTooFewFillsHolds(t *testing.T)         { fm(t, "09") }
func TestFM10TooLateToCancelWaitsForTheFill(t *testing.T)       { fm(t, "10") }
func TestFM11CancelOfAnUnknownOrderAsks(t *testing.T)           { fm(t, "11") }
func TestFM12UnsolicitedEndReleases(t *testing.T)               { fm(t, "12") }
func TestFM13RestatementWithinTheReservation(t *testing.T)      { fm(t, "13") }
func TestFM14BustIsForwardedAndNotRoutedAgain(t *testing.T)     { fm(t, "14") }
func TestFM15CorrectionIsForwarded(t *testing.T)                { fm(t, "15") }
func TestFM16BustOfAnUnknownExecutionQuarantines(t *testing.T)  { fm(t, "16") }
func TestFM17BustAfterTheEndOfTheOrder(t *testing.T)            { fm(t, "17") }
func TestFM21CancelWaitsForTheAnswer(t *testing.T)              { fm(t, "21") }
func TestFM22NoAnswerIsUnknownNotRefused(t *testing.T)          { fm(t, "22") }
func TestFM23PossDupCountsOnlyWhenNew(t *testing.T)             { fm(t, "23") }
func TestFM24PossResendOfAKnownOrderGetsItsState(t *testing.T)  { fm(t, "24") }
func TestFM25OrderSentAgainIsNeverASecondParent(t *testing.T)   { fm(t, "25") }
func TestFM26MissingMessagesStopNewOrdersThere(t *testing.T)    { fm(t, "26") }
func TestFM27LowSequenceIsTold(t *testing.T)                    { fm(t, "27") }
func TestFM30HaltStopsNewOrders(t *testing.T)                   { fm(t, "30") }
func TestFM31NothingIsSentOutsideABand(t *testing.T)            { fm(t, "31") }
func TestFM32AuctionStopsContinuousTrading(t *testing.T)        { fm(t, "32") }
func TestFM33PriceBandIsTriedOnceMore(t *testing.T)             { fm(t, "33") }
func TestFM34ThrottleIsWaitedFor(t *testing.T)                  { fm(t, "34") }
func TestFM35RefusedFormIsLeftAlone(t *testing.T)               { fm(t, "35") }
func TestFM36UnknownRefusalHolds(t *testing.T)                  { fm(t, "36") }
func TestFM37LostVenueKeepsReservations(t *testing.T)           { fm(t, "37") }
func TestFM38VenueOpensWhenItHasAnswered(t *testing.T)          { fm(t, "38") }
func TestFM39SilentVenueIsToldOnce(t *testing.T)                { fm(t, "39") }
func TestFM40AllOpenOrdersAreAskedForAtOnce(t *testing.T)       { fm(t, "40") }
func TestFM41OrphansAreCancelledOrQuarantine(t *testing.T)      { fm(t, "41") }
func TestFM57ClockThatIsSetStopsNewOrders(t *testing.T)         { fm(t, "57") }
func TestFM44ClientThatStaysAwayIsWithdrawn(t *testing.T)       { fm(t, "44") }
